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
      for alarm in values(aws_cloudwatch_metric_alarm.this) :
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
    condition     = aws_sns_topic.alarms.kms_master_key_id == aws_kms_key.alarms[0].arn && aws_kms_key.alarms[0].enable_key_rotation
    error_message = "Messages are encrypted with a key of the stack's own."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_kms_key.alarms[0].policy).Statement : statement.Condition
      if try(statement.Principal.Service, "") == "cloudwatch.amazonaws.com"
    ] == [{ StringEquals = { "aws:SourceAccount" = "123456789012" } }]
    error_message = "CloudWatch of this account may encrypt for the topic, or alarms ring unheard."
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
