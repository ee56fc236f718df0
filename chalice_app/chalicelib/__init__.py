"""What runs inside Lambda: from an S3 event to a verdict in the results table."""
