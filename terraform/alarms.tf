# What a person should look at. A new alarm needs one entry here.
locals {
  alarms_topic_name = "${var.name}-alarms"
  alarms_topic_arn  = "arn:${local.partition}:sns:${local.region}:${local.account_id}:${local.alarms_topic_name}"

  alarm_defaults = {
    namespace  = "Spotcheck"
    dimensions = { ProjectName = var.project_name }
    statistic  = "Sum"
    period     = 300
    threshold  = 0
  }

  # Name below the stack's => metric and what to do; it rings when the metric rises above the threshold.
  # docs/runbook.md has a section for each.
  alarms = merge(local.handler_alarms, local.api_alarms, {
    dead-letters = merge(local.alarm_defaults, {
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.dead_letters_name }
      statistic   = "Maximum"
      description = "An event failed for good: `spotcheck redrive --dry-run` says which and why."
    })
    failed-jobs = merge(local.alarm_defaults, {
      namespace   = "AWS/MediaConvert"
      metric      = "JobsErroredCount"
      dimensions  = { Queue = local.mediaconvert_arn }
      description = "MediaConvert could not convert a video: `spotcheck results --videos` says which one and why."
    })
    failed-videos = merge(local.alarm_defaults, {
      metric      = "FailedVideoCount"
      description = "A video has no verdict: `spotcheck results --videos` says which one and why."
    })
  })

  handler_alarms = merge([
    for handler, function in local.functions : {
      "errors-${handler}" = merge(local.alarm_defaults, {
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = { FunctionName = function.function_name }
        description = "The handler ${handler} failed; Lambda tries twice more. Its log says why."
      })
      "throttles-${handler}" = merge(local.alarm_defaults, {
        namespace   = "AWS/Lambda"
        metric      = "Throttles"
        dimensions  = { FunctionName = function.function_name }
        description = "The handler ${handler} found no free concurrency: events wait up to six hours, requests are answered with 503."
      })
      "slow-${handler}" = merge(local.alarm_defaults, {
        namespace   = "AWS/Lambda"
        metric      = "Duration"
        dimensions  = { FunctionName = function.function_name }
        statistic   = "p95"
        threshold   = 800 * function.timeout_seconds # milliseconds
        description = "The handler ${handler} takes four fifths of its timeout: soon it will fail."
      })
    }
  ]...)

  # What no function counts as an error of its own: a request that found no room, took too long, or never got there.
  api_alarms = {
    for name, alarm in {
      api-errors = merge(local.alarm_defaults, {
        namespace   = "AWS/ApiGateway"
        metric      = "5xx"
        dimensions  = { ApiId = local.api_id }
        description = "The API answered a request with a fault of ours (5xx): its access log says which."
      })
    } : name => alarm if local.has_api
  }

  # Rates over an hour, as metric math over our own counts. The last query is what is compared.
  counts = { judged = "ProcessedImageCount", anomalous = "DetectedAnomalyCount", rejected = "InvalidImageCount" }
  # Handlers that a picture or a frame starts: what they are sent is what comes in.
  judging_handlers = [for subscription in local.subscriptions : subscription.function if subscription.role == "images"]
  rate_alarms = {
    rejected-rate = {
      description = "More than ${var.rejected_percent_alarm} % of an hour's pictures can not be judged: `spotcheck results` says why."
      counts      = ["judged", "rejected"]
      # Dividing by nothing gives no value: fewer than 20 pictures say nothing about a rate.
      expression = "100 * rejected / IF(judged + rejected >= 20, judged + rejected, 0)"
      threshold  = var.rejected_percent_alarm
    }
    anomaly-rate = {
      description = "The share of anomalous pictures is not what it used to be: the line has changed, or the camera."
      counts      = ["judged", "anomalous"]
      expression  = "100 * anomalous / IF(judged >= 20, judged, 0)"
      threshold   = null # a band that CloudWatch learns from the weeks before
    }
    no-results = {
      description = "Pictures or frames came for an hour, and none has an outcome: `spotcheck audit` lists them."
      counts      = ["judged", "rejected"]
      expression  = "IF(${join(" + ", formatlist("FILL(%s, 0)", local.judging_handlers))} > 0 AND FILL(judged, 0) + FILL(rejected, 0) == 0, 1, 0)"
      threshold   = 0
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  period              = each.value.period
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching" # nothing uploaded is nothing wrong
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "rate" {
  for_each = local.rate_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  evaluation_periods  = 1
  comparison_operator = each.value.threshold == null ? "LessThanLowerOrGreaterThanUpperThreshold" : "GreaterThanThreshold"
  threshold           = each.value.threshold
  threshold_metric_id = each.value.threshold == null ? "band" : null
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]

  dynamic "metric_query" {
    for_each = each.value.counts

    content {
      id = metric_query.value

      metric {
        namespace   = "Spotcheck"
        metric_name = local.counts[metric_query.value]
        dimensions  = { ProjectName = var.project_name }
        stat        = "Sum"
        period      = 3600
      }
    }
  }

  dynamic "metric_query" {
    for_each = [for handler in local.judging_handlers : handler if strcontains(each.value.expression, handler)]

    content {
      id = metric_query.value

      metric {
        namespace   = "AWS/Lambda"
        metric_name = "AsyncEventsReceived"
        dimensions  = { FunctionName = local.functions[metric_query.value].function_name }
        stat        = "Sum"
        period      = 3600
      }
    }
  }

  metric_query {
    id          = "rate"
    expression  = each.value.expression
    label       = each.key
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.threshold == null ? [1] : []

    content {
      id          = "band"
      expression  = "ANOMALY_DETECTION_BAND(rate, 3)"
      label       = "expected"
      return_data = true
    }
  }
}

resource "aws_sns_topic" "alarms" {
  # checkov:skip=CKV_AWS_26:SNS's free key does not let CloudWatch publish, and a key of the stack's own costs money while idle; a message holds no picture, and kms_key_arn encrypts it
  name              = local.alarms_topic_name
  kms_master_key_id = var.kms_key_arn
}

# The topic's policy replaces SNS's default, under which the whole account may publish.
resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "CloudWatchSendsAlarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = local.alarms_topic_arn
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${local.region}:${local.account_id}:alarm:${var.name}-*" }
        StringEquals = { "aws:SourceAccount" = local.account_id }
      }
    }]
  })
}

resource "aws_sns_topic_subscription" "alarms_by_email" {
  for_each = toset(var.alarm_email == null ? [] : [var.alarm_email])

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}
