# Who may read the pictures of datasets, and where they may lie.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir = "./tests/fixtures/api"
}

run "without_further_buckets_datasets_use_their_prefix_of_the_images_bucket" {
  command = plan

  assert {
    condition = !anytrue([
      for statement in jsondecode(aws_iam_role_policy.function["run_job"].policy).Statement :
      contains(["UseDatasetBuckets", "TellMissingInDatasetBuckets"], statement.Sid)
    ])
    error_message = "Nothing is granted that nobody named."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_iam_role_policy.function["run_job"].policy).Statement : statement.Resource
      if statement.Sid == "WriteImages"
    ]) == ["arn:aws:s3:::spotcheck-images-123456789012-eu-west-1/datasets/*"]
    error_message = "Only below datasets/: an upload there starts no handler."
  }

  assert {
    condition     = aws_lambda_function.this["run_job"].environment[0].variables["DATASET_BUCKETS"] == ""
    error_message = "The function is told of no bucket."
  }
}

run "a_bucket_that_is_named_is_open_to_jobs" {
  command = plan

  variables {
    dataset_bucket_arns = ["arn:aws:s3:::my-pictures", "arn:aws:s3:::your-pictures"]
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.function["run_job"].policy).Statement : statement
      if strcontains(statement.Sid, "DatasetBuckets")
      ] == [
      {
        Sid      = "UseDatasetBuckets"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = ["arn:aws:s3:::my-pictures/*", "arn:aws:s3:::your-pictures/*"]
      },
      {
        Sid      = "TellMissingInDatasetBuckets"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource = ["arn:aws:s3:::my-pictures", "arn:aws:s3:::your-pictures"]
      },
    ]
    error_message = "Read, write, and tell what is missing; nothing else."
  }

  assert {
    condition     = aws_lambda_function.this["run_job"].environment[0].variables["DATASET_BUCKETS"] == "my-pictures,your-pictures"
    error_message = "The function is told which."
  }

  assert {
    condition     = aws_lambda_function.this["api_handler"].environment[0].variables["DATASET_BUCKETS"] == "my-pictures,your-pictures"
    error_message = "The API answers AccessDeniedException for any other."
  }

  assert {
    condition = !anytrue([
      for name in ["detect_image", "api_handler"] : strcontains(aws_iam_role_policy.function[name].policy, "my-pictures")
    ])
    error_message = "Neither a detector nor the API itself reads them."
  }
}
