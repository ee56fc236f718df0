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
  alarms = {
    failed-videos = merge(local.alarm_defaults, {
      metric      = "FailedVideoCount"
      description = "A video has no verdict: `spotcheck results --videos` says which one and why."
    })
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching" # nothing uploaded is nothing wrong
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

# SNS's own key would be free, but does not let CloudWatch use it: the alarm would ring unheard.
resource "aws_kms_key" "alarms" {
  count = local.encrypted ? 0 : 1

  description             = "Messages of the topic ${local.alarms_topic_name}"
  enable_key_rotation     = true
  deletion_window_in_days = 7
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TheAccountsPoliciesDecide"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "CloudWatchSendsAlarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
      },
    ]
  })
}

resource "aws_sns_topic" "alarms" {
  name              = local.alarms_topic_name
  kms_master_key_id = local.encrypted ? var.kms_key_arn : aws_kms_key.alarms[0].arn
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
