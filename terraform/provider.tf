# On AWS everything below `default_tags` is null or false: credentials and region come from where the AWS SDK
# finds them. On the embedded AWS every endpoint is overridden and any other account is refused, so that a
# mistyped command cannot reach a real account.
provider "aws" {
  default_tags {
    tags = merge(var.tags, { Application = "spotcheck", Stack = var.name })
  }

  access_key                  = local.embedded ? "test" : null
  secret_key                  = local.embedded ? "test" : null
  region                      = local.embedded ? "us-east-1" : null
  allowed_account_ids         = local.embedded ? ["123456789012"] : null
  skip_credentials_validation = local.embedded
  skip_metadata_api_check     = local.embedded ? "true" : null
  s3_use_path_style           = local.embedded
  max_retries                 = local.embedded ? 2 : null

  dynamic "endpoints" {
    for_each = local.embedded ? [var.endpoint_url] : []

    content {
      cloudwatch   = endpoints.value
      dynamodb     = endpoints.value
      events       = endpoints.value
      iam          = endpoints.value
      kms          = endpoints.value
      lambda       = endpoints.value
      logs         = endpoints.value
      mediaconvert = endpoints.value
      s3           = endpoints.value
      sns          = endpoints.value
      sqs          = endpoints.value
      sts          = endpoints.value
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}
