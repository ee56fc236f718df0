"""HTTP APIs (API Gateway v2) that answer: requests reach the Lambda function behind the route."""
