mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir = "./tests/fixtures/events"
}

run "everything_that_starts_a_function_names_the_alias" {
  assert {
    condition     = alltrue([for permission in concat(values(aws_lambda_permission.s3), values(aws_lambda_permission.events)) : permission.qualifier == "live"])
    error_message = "A permission holds for the alias."
  }

  assert {
    condition = alltrue(flatten([
      for notification in values(aws_s3_bucket_notification.this) : [
        for target in notification.lambda_function : endswith(target.lambda_function_arn, ":live")
      ]
    ]))
    error_message = "A notification starts the alias."
  }

  assert {
    condition     = alltrue([for target in values(aws_cloudwatch_event_target.this) : endswith(target.arn, ":live")])
    error_message = "An event rule starts the alias."
  }

  assert {
    condition     = alltrue([for alias in values(aws_lambda_alias.live) : alias.function_version == "7"])
    error_message = "The alias follows the version just published."
  }

  assert {
    condition     = alltrue([for function in values(aws_lambda_function.this) : function.publish])
    error_message = "Every change publishes a version."
  }
}

run "uploads_start_their_handlers" {
  command = plan

  assert {
    condition = { for target in aws_s3_bucket_notification.this["images"].lambda_function : target.filter_prefix => target.id } == {
      "image_inputs/" = "detect_image"
      "video_inputs/" = "detect_frame"
    }
    error_message = "One handler a prefix."
  }

  assert {
    condition     = alltrue([for target in aws_s3_bucket_notification.this["images"].lambda_function : target.filter_suffix == null])
    error_message = "A file of any name gets a verdict or a reason."
  }

  assert {
    condition = alltrue([
      for permission in values(aws_lambda_permission.s3) :
      permission.source_account == "123456789012" && permission.source_arn == "arn:aws:s3:::spotcheck-images-123456789012-eu-west-1"
    ])
    error_message = "Only our bucket of our account may start a handler."
  }
}

run "what_fails_for_good_waits_in_the_dead_letter_queue" {
  assert {
    condition = alltrue([
      for config in values(aws_lambda_function_event_invoke_config.live) :
      config.maximum_retry_attempts == 2 && config.maximum_event_age_in_seconds == 21600 && config.qualifier == "live"
      && config.destination_config[0].on_failure[0].destination == aws_sqs_queue.dead_letters.arn
    ]) && length(aws_lambda_function_event_invoke_config.live) == 2
    error_message = "Two retries, six hours, then the queue."
  }

  assert {
    condition     = aws_sqs_queue.dead_letters.message_retention_seconds == 1209600 && aws_sqs_queue.dead_letters.sqs_managed_sse_enabled
    error_message = "Dead letters are kept for 14 days, encrypted."
  }

  assert {
    condition     = alltrue([for target in values(aws_cloudwatch_event_target.this) : target.dead_letter_config[0].arn == aws_sqs_queue.dead_letters.arn])
    error_message = "Events that EventBridge cannot deliver go there too."
  }
}

run "event_rules_come_from_the_decorators" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_event_rule.this["detect_image-event"].name == "spotcheck-detect_image-event"
      && aws_cloudwatch_event_rule.this["detect_frame-event"].schedule_expression == "rate(1 hour)"
    )
    error_message = "Rules and schedules are made as the decorators say, under the stack's name."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_policy.dead_letters.policy).Statement[0].Condition.ArnLike["aws:SourceArn"] == "arn:aws:events:eu-west-1:123456789012:rule/spotcheck-*"
    error_message = "Only this stack's rules may send dead letters."
  }
}

run "without_event_rules_there_are_none" {
  command = plan

  variables {
    build_dir = "./tests/fixtures/package"
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.this) == 0 && length(aws_lambda_permission.events) == 0
    error_message = "A rule needs a decorator."
  }
}

run "a_handler_that_would_start_itself_is_refused" {
  command = plan

  variables {
    build_dir = "./tests/fixtures/loop"
  }

  expect_failures = [aws_s3_bucket_notification.this]
}

run "a_handler_without_an_entry_is_refused" {
  command = plan

  variables {
    build_dir = "./tests/fixtures/stranger"
  }

  expect_failures = [aws_lambda_function.this]
}
