mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir   = "./tests/fixtures/api"
  kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/0f0f0f0f-0000-4000-8000-000000000000"
}

run "the_users_key_encrypts_everything_at_rest" {
  command = plan

  assert {
    condition = alltrue([
      for bucket in values(aws_s3_bucket_server_side_encryption_configuration.this) : (
        one(bucket.rule).bucket_key_enabled
        && one(one(bucket.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
        && one(one(bucket.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn
      )
    ])
    error_message = "Buckets."
  }

  assert {
    condition     = one(aws_dynamodb_table.results.server_side_encryption).kms_key_arn == var.kms_key_arn
    error_message = "The table."
  }

  assert {
    condition = alltrue([
      for group in concat(values(aws_cloudwatch_log_group.function), aws_cloudwatch_log_group.api) :
      group.kms_key_id == var.kms_key_arn && startswith(group.name, "/aws/lambda/spotcheck-")
    ])
    error_message = "Logs, those of who called the API included; the key's policy names them by this prefix."
  }

  assert {
    condition     = aws_sqs_queue.dead_letters.kms_master_key_id == var.kms_key_arn
    error_message = "Dead letters."
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == var.kms_key_arn
    error_message = "Alarms."
  }
}

run "every_role_may_use_the_key_through_the_services_that_hold_data" {
  command = plan

  assert {
    condition = alltrue([
      for policy in concat([for each in values(aws_iam_role_policy.function) : each.policy], [aws_iam_role_policy.mediaconvert.policy]) :
      [for statement in jsondecode(policy).Statement : statement if statement.Sid == "UseKey"] == [{
        Sid      = "UseKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = ["arn:aws:kms:eu-west-1:123456789012:key/0f0f0f0f-0000-4000-8000-000000000000"]
        Condition = { StringEquals = { "kms:ViaService" = [
          "s3.eu-west-1.amazonaws.com", "dynamodb.eu-west-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com",
        ] } }
      }]
    ])
    error_message = "Without it S3, DynamoDB and SQS answer AccessDenied to a role that has every other permission."
  }
}

run "an_output_says_what_the_keys_policy_needs" {
  command = plan

  assert {
    condition = {
      for statement in jsondecode(output.kms_key_policy_statements) :
      try(statement.Principal.Service, "account") => try(statement.Condition, {})
      } == {
      account                        = {}
      "logs.eu-west-1.amazonaws.com" = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/spotcheck-*" } }
      "cloudwatch.amazonaws.com"     = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
      "events.amazonaws.com" = {
        ArnLike      = { "aws:SourceArn" = "arn:aws:events:eu-west-1:123456789012:rule/spotcheck-*" }
        StringEquals = { "aws:SourceAccount" = "123456789012" }
      }
    }
    error_message = "Logs, alarms and dead letters are written by AWS's services themselves, for this stack only."
  }
}

run "without_a_key_each_service_uses_its_own" {
  command = plan

  variables {
    kms_key_arn = null
  }

  assert {
    condition = (
      alltrue([for bucket in values(aws_s3_bucket_server_side_encryption_configuration.this) : one(one(bucket.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"])
      && aws_sqs_queue.dead_letters.sqs_managed_sse_enabled
      && one(aws_dynamodb_table.results.server_side_encryption).enabled
    )
    error_message = "Nothing that holds data is unencrypted."
  }

  assert {
    condition     = !strcontains(jsonencode([for each in values(aws_iam_role_policy.function) : each.policy]), "kms:")
    error_message = "No role needs a key."
  }
}

run "refuses_an_alias_in_place_of_a_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:alias/mine"
  }

  expect_failures = [var.kms_key_arn]
}
