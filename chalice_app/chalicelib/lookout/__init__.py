"""What Amazon Lookout for Vision defined and Spotcheck speaks: manifests, masks, evaluation results."""
