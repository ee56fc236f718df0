mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir = "./tests/fixtures/package"
}

run "a_detector_may_do_this_and_nothing_else" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.function["detect_image"].policy).Statement == [
      {
        Sid      = "WriteOwnLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/spotcheck-detect_image:*"]
      },
      {
        Sid      = "SendDeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = ["arn:aws:sqs:eu-west-1:123456789012:spotcheck-dead-letters"]
      },
      {
        Sid      = "ReadImages"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = ["arn:aws:s3:::spotcheck-images-123456789012-eu-west-1/image_inputs/*"]
      },
      {
        Sid      = "ReadModels"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["arn:aws:s3:::spotcheck-models-123456789012-eu-west-1/projects/spotcheck/*"]
      },
      {
        Sid    = "WriteResults"
        Effect = "Allow"
        Action = ["s3:GetObject", "s3:PutObject"]
        Resource = [
          "arn:aws:s3:::spotcheck-results-123456789012-eu-west-1/results/*",
          "arn:aws:s3:::spotcheck-results-123456789012-eu-west-1/history/*",
          "arn:aws:s3:::spotcheck-results-123456789012-eu-west-1/heatmaps/*",
          "arn:aws:s3:::spotcheck-results-123456789012-eu-west-1/totals/*",
        ]
      },
      {
        Sid      = "TellMissingImages"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource = ["arn:aws:s3:::spotcheck-images-123456789012-eu-west-1"]
      },
      {
        Sid      = "TellMissingModels"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = ["arn:aws:s3:::spotcheck-models-123456789012-eu-west-1"]
      },
      {
        Sid      = "TellMissingResults"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = ["arn:aws:s3:::spotcheck-results-123456789012-eu-west-1"]
      },
      {
        Sid      = "UseResultsTable"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem"]
        Resource = ["arn:aws:dynamodb:eu-west-1:123456789012:table/lookout_for_vision_summary"]
      },
    ]
    error_message = "detect_image reads its own prefix, writes results, and touches nothing else."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.function["detect_frame"].policy).Statement :
      statement.Resource if statement.Sid == "ReadImages"
    ] == [["arn:aws:s3:::spotcheck-images-123456789012-eu-west-1/video_inputs/*"]]
    error_message = "detect_frame reads frames only."
  }
}

run "no_role_has_a_wildcard" {
  command = plan

  variables {
    build_dir = "./tests/fixtures/events"
  }

  assert {
    condition = alltrue(flatten([
      for policy in concat([for each in values(aws_iam_role_policy.function) : each.policy], [aws_iam_role_policy.mediaconvert.policy]) : [
        for statement in jsondecode(policy).Statement : [
          for resource in statement.Resource : resource != "*" && length(regexall("^arn:aws:[a-z0-9]+:[^*]*:[^*]*:[^*]+", resource)) == 1
        ]
      ]
    ]))
    error_message = "Every statement names its resources; a star stands only below a prefix."
  }

  assert {
    condition = alltrue(flatten([
      for policy in concat([for each in values(aws_iam_role_policy.function) : each.policy], [aws_iam_role_policy.mediaconvert.policy]) : [
        for statement in jsondecode(policy).Statement : [for action in statement.Action : !strcontains(action, "*")]
      ]
    ]))
    error_message = "Every statement names its actions."
  }
}

run "media_convert_works_for_our_queue_alone" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.mediaconvert.assume_role_policy).Statement[0].Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      ArnLike      = { "aws:SourceArn" = "arn:aws:mediaconvert:eu-west-1:123456789012:queues/spotcheck" }
    }
    error_message = "Another account's MediaConvert job must not take on the role."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.mediaconvert.policy).Statement : statement.Resource] == [
      ["arn:aws:s3:::spotcheck-videos-123456789012-eu-west-1/video_sources/*"],
      [for prefix in ["video_inputs", "video_proxies"] : "arn:aws:s3:::spotcheck-images-123456789012-eu-west-1/${prefix}/*"],
    ]
    error_message = "It reads copies of uploaded videos, which nobody overwrites, and writes frames."
  }
}

run "buckets_are_closed_versioned_and_encrypted" {
  command = plan

  assert {
    condition = alltrue([
      for block in values(aws_s3_bucket_public_access_block.this) :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ]) && length(aws_s3_bucket_public_access_block.this) == 4
    error_message = "Nothing is public."
  }

  assert {
    condition = (
      alltrue([for versioning in values(aws_s3_bucket_versioning.this) : versioning.versioning_configuration[0].status == "Enabled"])
      && length(aws_s3_bucket_versioning.this) == 4
      && length(aws_s3_bucket_server_side_encryption_configuration.this) == 4
      && alltrue([for each in values(aws_s3_bucket_ownership_controls.this) : each.rule[0].object_ownership == "BucketOwnerEnforced"])
    )
    error_message = "Every bucket keeps versions, encrypts, and owns its objects."
  }

  assert {
    condition = alltrue([
      for policy in values(aws_s3_bucket_policy.closed) :
      { for statement in jsondecode(policy.policy).Statement : statement.Sid => statement.Condition if statement.Effect == "Deny" } == {
        DenyInsecureTransport = { Bool = { "aws:SecureTransport" = "false" } }
        DenyOtherAccounts = {
          StringNotEquals = { "aws:PrincipalAccount" = "123456789012" }
          BoolIfExists    = { "aws:PrincipalIsAWSService" = "false" }
        }
      }
    ]) && length(aws_s3_bucket_policy.closed) == 4
    error_message = "Every bucket refuses plain HTTP and other accounts (tests/integration/test_iam.py evaluates it)."
  }

  assert {
    condition     = alltrue([for bucket in values(aws_s3_bucket.this) : !coalesce(bucket.force_destroy, false)])
    error_message = "Terraform never deletes a bucket with pictures in it."
  }
}

run "the_embedded_aws_speaks_plain_http" {
  command = plan

  variables {
    endpoint_url = "http://127.0.0.1:4566"
  }

  assert {
    condition     = length(jsondecode(aws_sqs_queue_policy.dead_letters.policy).Statement) == 1
    error_message = "Its SQS ignores conditions and would refuse everything."
  }

  assert {
    condition     = output.endpoint_url == "http://127.0.0.1:4566"
    error_message = "The outputs say where it is."
  }
}

run "nothing_expires_that_cannot_be_made_again" {
  command = plan

  assert {
    condition = {
      for role, lifecycle in aws_s3_bucket_lifecycle_configuration.this :
      role => { for rule in lifecycle.rule : rule.id => rule.expiration[0].days if length(rule.expiration) > 0 }
      } == {
      videos  = { "expire-video_sources" = 7 }
      images  = { "expire-video_inputs" = 365, "expire-video_proxies" = 7 }
      results = {}
      models  = { "expire-client-tokens" = 1 }
    }
    error_message = "By default only frames, proxies, the copies that MediaConvert reads and old ClientTokens expire."
  }

  assert {
    condition = {
      for role, lifecycle in aws_s3_bucket_lifecycle_configuration.this :
      role => [for rule in lifecycle.rule : rule.id if length(rule.expiration) > 0 && length(rule.noncurrent_version_expiration) > 0]
    } == { videos = ["expire-video_sources"], images = ["expire-video_proxies"], results = [], models = ["expire-client-tokens"] }
    error_message = "What expires for good leaves no older version behind; a frame's is kept as an upload's is."
  }
}

run "older_versions_expire_in_every_bucket" {
  command = plan

  variables {
    noncurrent_expire_after_days = 45
  }

  assert {
    condition = {
      for role, lifecycle in aws_s3_bucket_lifecycle_configuration.this :
      role => [
        for rule in lifecycle.rule : [rule.status, one(rule.noncurrent_version_expiration).noncurrent_days, one(rule.abort_incomplete_multipart_upload).days_after_initiation]
        if rule.id == "tidy"
      ]
    } == { for role in ["videos", "images", "results", "models"] : role => [["Enabled", 45, 7]] }
    error_message = "A picture that was replaced or deleted goes, and so do parts of uploads that were never completed."
  }
}

run "uploads_expire_when_told" {
  command = plan

  variables {
    expire_after_days = { images = 30, results = 400, frames = 0 }
  }

  assert {
    condition = {
      for role, lifecycle in aws_s3_bucket_lifecycle_configuration.this :
      role => [for rule in lifecycle.rule : rule.id if length(rule.expiration) > 0]
    } == { videos = ["expire-video_sources"], images = ["expire-image_inputs", "expire-video_proxies"], results = ["expire-all"], models = ["expire-client-tokens"] }
    error_message = "Each prefix has its own days; 0 keeps for ever."
  }
}
