mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir = "./tests/fixtures/package"
}

run "names_carry_the_stack_the_account_and_the_region" {
  command = plan

  variables {
    name = "line7"
  }

  assert {
    condition = alltrue([
      for role in ["videos", "images", "results", "models"] :
      aws_s3_bucket.this[role].bucket == "line7-${role}-123456789012-eu-west-1"
    ])
    error_message = "A bucket is <name>-<what>-<account id>-<region>."
  }

  assert {
    condition     = aws_lambda_function.this["detect_image"].function_name == "line7-detect_image"
    error_message = "A function is <name>-<handler>."
  }

  assert {
    condition     = alltrue([for role in values(aws_iam_role.function) : startswith(role.name, "line7-") && endswith(role.name, "-eu-west-1")])
    error_message = "Roles are global: their names carry the stack and the region."
  }

  assert {
    condition     = aws_sqs_queue.dead_letters.name == "line7-dead-letters" && aws_media_convert_queue.this.name == "line7"
    error_message = "Queues carry the stack's name."
  }

  assert {
    condition     = aws_dynamodb_table.results.name == "lookout_for_vision_summary"
    error_message = "The table keeps the notebook's name unless told otherwise."
  }
}

run "the_longest_name_fits_every_service" {
  command = plan

  variables {
    name = "abcdefghijklmnopqrst"
  }

  assert {
    condition     = alltrue([for bucket in values(aws_s3_bucket.this) : length(bucket.bucket) <= 63])
    error_message = "S3 takes 63 characters."
  }

  assert {
    condition     = alltrue([for role in concat(values(aws_iam_role.function), [aws_iam_role.mediaconvert]) : length(role.name) <= 64])
    error_message = "IAM takes 64 characters."
  }
}

run "the_table_answers_the_six_questions" {
  command = plan

  assert {
    condition = { for index in aws_dynamodb_table.results.global_secondary_index : index.name => "${index.hash_key}/${index.range_key}/${index.projection_type}" } == {
      "by-day"           = "DayShard/DateId/ALL"
      "anomalous-by-day" = "AnomalousDayShard/DateId/ALL"
      "waiting"          = "WaitingDayShard/DateId/ALL"
      "by-video"         = "VideoId/FrameIndex/ALL"
      "by-image"         = "Image/DateId/ALL"
      "videos-by-day"    = "VideoDayShard/DateId/ALL"
    }
    error_message = "The indexes are those that chalicelib queries."
  }

  assert {
    condition     = { for attribute in aws_dynamodb_table.results.attribute : attribute.name => attribute.type if attribute.type != "S" } == { FrameIndex = "N" }
    error_message = "All keys are strings but the frame's number."
  }

  assert {
    condition     = aws_dynamodb_table.results.hash_key == "RequestID" && aws_dynamodb_table.results.billing_mode == "PAY_PER_REQUEST"
    error_message = "One item per RequestID, paid by request."
  }

  assert {
    condition = (
      aws_dynamodb_table.results.point_in_time_recovery[0].enabled
      && aws_dynamodb_table.results.server_side_encryption[0].enabled
      && aws_dynamodb_table.results.deletion_protection_enabled
    )
    error_message = "The table can be restored, is encrypted, and is not deleted by mistake."
  }
}

run "defaults_fit_a_fresh_account" {
  command = plan

  assert {
    condition     = alltrue([for function in values(aws_lambda_function.this) : function.memory_size <= 3008])
    error_message = "A fresh account gives 3,008 MB."
  }

  assert {
    condition     = alltrue([for function in values(aws_lambda_function.this) : coalesce(function.reserved_concurrent_executions, -1) == -1])
    error_message = "A fresh account has a concurrency of ten: nothing may be reserved until StartModel does."
  }
}

run "a_handler_takes_the_users_settings" {
  command = plan

  variables {
    architecture = "arm64"
    functions    = { detect_image = { memory_mb = 3008 } }
  }

  assert {
    condition = (
      aws_lambda_function.this["detect_image"].memory_size == 3008
      && aws_lambda_function.this["detect_image"].timeout == 60
    )
    error_message = "What is set is taken, the rest stays."
  }

  assert {
    condition     = aws_lambda_function.this["detect_frame"].memory_size == 2048 && one(aws_lambda_function.this["detect_frame"].architectures) == "arm64"
    error_message = "Other handlers keep their settings; the architecture is everyone's."
  }
}

run "functions_know_where_to_read_and_write" {
  command = plan

  variables {
    project_name  = "Line-7"
    model_version = "3"
  }

  assert {
    condition = aws_lambda_function.this["detect_image"].environment[0].variables == tomap({
      PROJECT_NAME         = "Line-7"
      MODEL_VERSION        = "3"
      OUTPUT_BUCKET        = "spotcheck-results-123456789012-eu-west-1"
      MODELS_BUCKET        = "spotcheck-models-123456789012-eu-west-1"
      RESULTS_TABLE        = "lookout_for_vision_summary"
      MAX_IMAGE_BYTES      = "25000000"
      MAX_IMAGE_MEGAPIXELS = "100"
      INDEX_SHARDS         = "16"
      POWERTOOLS_LOG_LEVEL = "INFO"
      WARM_START           = "uploads"
    })
    error_message = "chalicelib.settings and chalicelib.warm_start read exactly these."
  }
}
