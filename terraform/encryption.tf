# A key of the user's own is a switch: null leaves each service its own, free and without a policy to get wrong.
locals {
  encrypted  = var.kms_key_arn != null
  dns_suffix = data.aws_partition.current.dns_suffix

  # What a role needs beside its own statements. Only through the services that hold our data: the key opens nothing
  # by itself.
  use_key = {
    Sid      = "UseKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = [coalesce(var.kms_key_arn, "none")]
    Condition = {
      StringEquals = { "kms:ViaService" = [for service in ["s3", "dynamodb", "sqs"] : "${service}.${local.region}.${local.dns_suffix}"] }
    }
  }

  # AWS's services work with the key for themselves, so the key's own policy must let them.
  kms_key_policy_statements = [
    {
      Sid       = "TheAccountsPoliciesDecide"
      Effect    = "Allow"
      Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    },
    {
      Sid       = "LogsAreEncrypted"
      Effect    = "Allow"
      Principal = { Service = "logs.${local.region}.${local.dns_suffix}" }
      Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
      Resource  = "*"
      Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "${local.log_group_arn_prefix}:/aws/lambda/${var.name}-*" } }
    },
    {
      Sid       = "CloudWatchSendsAlarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    },
    {
      Sid       = "EventBridgeSendsDeadLetters"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = {
        ArnLike      = { "aws:SourceArn" = "${local.event_rule_arn_prefix}/${var.name}-*" }
        StringEquals = { "aws:SourceAccount" = local.account_id }
      }
    },
  ]
}
