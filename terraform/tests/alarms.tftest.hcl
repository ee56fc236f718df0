mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir = "./tests/fixtures/package"
}

run "one_failed_video_rings" {
  variables {
    project_name = "Cars"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["failed-videos"].namespace == "Spotcheck"
      && aws_cloudwatch_metric_alarm.this["failed-videos"].metric_name == "FailedVideoCount"
      && aws_cloudwatch_metric_alarm.this["failed-videos"].dimensions == tomap({ ProjectName = "Cars" })
      && aws_cloudwatch_metric_alarm.this["failed-videos"].threshold == 0
      && aws_cloudwatch_metric_alarm.this["failed-videos"].comparison_operator == "GreaterThanThreshold"
    )
    error_message = "chalicelib.telemetry counts exactly this."
  }
}

run "every_alarm_tells_the_topic_and_none_rings_for_silence" {
  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.rate)) :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && alarm.treat_missing_data == "notBreaching"
    ])
    error_message = "An alarm nobody hears is none; nor is one that rings while nothing is uploaded."
  }
}

run "only_this_stacks_alarms_may_use_topic_and_key" {
  variables {
    name = "line-7"
  }

  assert {
    condition = jsondecode(aws_sns_topic_policy.alarms.policy).Statement == [{
      Sid       = "CloudWatchSendsAlarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = "arn:aws:sns:eu-west-1:123456789012:line-7-alarms"
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:line-7-*" }
        StringEquals = { "aws:SourceAccount" = "123456789012" }
      }
    }]
    error_message = "Another account's CloudWatch, or a person, must not publish."
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == null
    error_message = "No key that costs money while nothing happens."
  }
}

run "nobody_is_written_to_unasked" {
  command = plan

  assert {
    condition     = length(aws_sns_topic_subscription.alarms_by_email) == 0
    error_message = "Without an address there is no subscription."
  }
}

run "an_address_is_subscribed" {
  command = plan

  variables {
    alarm_email = "line@example.com"
  }

  assert {
    condition     = [for subscription in values(aws_sns_topic_subscription.alarms_by_email) : "${subscription.protocol}:${subscription.endpoint}"] == ["email:line@example.com"]
    error_message = "Alarms go to the address."
  }
}

run "refuses_what_is_no_address" {
  command = plan

  variables {
    alarm_email = "nobody"
  }

  expect_failures = [var.alarm_email]
}

run "the_rest_of_what_a_person_should_look_at_rings_too" {
  variables {
    build_dir = "./tests/fixtures/videos"
    functions = { detect_image = { timeout_seconds = 100 } }
  }

  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.this : name => [alarm.namespace, alarm.metric_name, jsonencode(alarm.dimensions), alarm.statistic]
      if contains(["dead-letters", "failed-jobs", "errors-detect_image", "throttles-on_video_job"], name)
      } == {
      dead-letters           = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", jsonencode({ QueueName = "spotcheck-dead-letters" }), "Maximum"]
      failed-jobs            = ["AWS/MediaConvert", "JobsErroredCount", jsonencode({ Queue = "arn:aws:mediaconvert:eu-west-1:123456789012:queues/spotcheck" }), "Sum"]
      errors-detect_image    = ["AWS/Lambda", "Errors", jsonencode({ FunctionName = "spotcheck-detect_image" }), "Sum"]
      throttles-on_video_job = ["AWS/Lambda", "Throttles", jsonencode({ FunctionName = "spotcheck-on_video_job" }), "Sum"]
    }
    error_message = "Dead letters, failed jobs, and every handler's errors and throttles."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["slow-detect_image"].extended_statistic == "p95"
      && aws_cloudwatch_metric_alarm.this["slow-detect_image"].threshold == 80000
    )
    error_message = "Four fifths of the timeout, in milliseconds."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 3 + 3 * length(aws_lambda_function.this)
    error_message = "Every handler has its three alarms."
  }
}

run "an_answer_5xx_of_the_api_rings" {
  variables {
    build_dir = "./tests/fixtures/api"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["api-errors"].namespace == "AWS/ApiGateway"
      && aws_cloudwatch_metric_alarm.this["api-errors"].metric_name == "5xx"
      && aws_cloudwatch_metric_alarm.this["api-errors"].dimensions == tomap({ ApiId = aws_apigatewayv2_api.lookout[0].id })
      && aws_cloudwatch_metric_alarm.this["api-errors"].statistic == "Sum"
      && aws_cloudwatch_metric_alarm.this["api-errors"].threshold == 0
    )
    error_message = "A request that never reached a function is no function's error."
  }
}

run "rates_are_watched_over_an_hour" {
  variables {
    build_dir              = "./tests/fixtures/videos"
    rejected_percent_alarm = 25
  }

  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.rate["no-results"].metric_query : query.id => one([
        for metric in query.metric : [metric.metric_name, metric.period, jsonencode(metric.dimensions)]
      ])
      } == {
      judged       = ["ProcessedImageCount", 3600, jsonencode({ ProjectName = "spotcheck" })]
      rejected     = ["InvalidImageCount", 3600, jsonencode({ ProjectName = "spotcheck" })]
      detect_image = ["AsyncEventsReceived", 3600, jsonencode({ FunctionName = "spotcheck-detect_image" })]
      detect_frame = ["AsyncEventsReceived", 3600, jsonencode({ FunctionName = "spotcheck-detect_frame" })]
      rate         = null
    }
    error_message = "Pictures and frames that come, against those that have an outcome."
  }

  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.rate : name => one([for query in alarm.metric_query : query.expression if query.id == "rate"])
      } == {
      rejected-rate = "100 * rejected / IF(judged + rejected >= 20, judged + rejected, 0)"
      anomaly-rate  = "100 * anomalous / IF(judged >= 20, judged, 0)"
      no-results    = "IF(FILL(detect_image, 0) + FILL(detect_frame, 0) > 0 AND FILL(judged, 0) + FILL(rejected, 0) == 0, 1, 0)"
    }
    error_message = "A rate of a handful of pictures says nothing; silence is no fault."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.rate["rejected-rate"].threshold == 25
      && aws_cloudwatch_metric_alarm.rate["anomaly-rate"].threshold_metric_id == "band"
      && aws_cloudwatch_metric_alarm.rate["anomaly-rate"].comparison_operator == "LessThanLowerOrGreaterThanUpperThreshold"
    )
    error_message = "What is usual for anomalies CloudWatch learns; too few are as odd as too many."
  }
}
