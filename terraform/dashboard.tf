# What Lookout for Vision's console showed (totals, ratio, over time and per model version), and what operators need.
locals {
  by_version = {
    for metric in ["ProcessedImageCount", "DetectedAnomalyCount"] : metric =>
    "SEARCH('{Spotcheck,ProjectName,ModelVersion} ProjectName=\"${var.project_name}\" MetricName=\"${metric}\"', 'Sum', 3600)"
  }
  lambda_metrics = {
    for metric, statistic in { Errors = "Sum", Throttles = "Sum", Duration = "p95", ConcurrentExecutions = "Maximum" } : metric => [
      for handler, function in local.functions :
      ["AWS/Lambda", metric, "FunctionName", function.function_name, { label = handler, stat = statistic }]
    ]
  }

  # Title => what is drawn, three in a row; `view` and the like are CloudWatch's own properties of a widget.
  widgets = [
    {
      title = "Totals", view = "singleValue", setPeriodToTimeRange = true, stat = "Sum"
      metrics = [
        ["Spotcheck", "ProcessedImageCount", "ProjectName", var.project_name, { label = "images processed", id = "images" }],
        ["Spotcheck", "DetectedAnomalyCount", "ProjectName", var.project_name, { label = "anomalies", id = "anomalies" }],
        ["Spotcheck", "InvalidImageCount", "ProjectName", var.project_name, { label = "invalid" }],
        [{ expression = "100 * anomalies / images", label = "anomaly ratio, %", id = "ratio" }],
      ]
    },
    {
      title = "Images and anomalies", view = "timeSeries", stat = "Sum", period = 3600
      metrics = [
        ["Spotcheck", "ProcessedImageCount", "ProjectName", var.project_name, { label = "images processed" }],
        ["Spotcheck", "DetectedAnomalyCount", "ProjectName", var.project_name, { label = "anomalies" }],
        ["Spotcheck", "InvalidImageCount", "ProjectName", var.project_name, { label = "invalid" }],
      ]
    },
    {
      title = "Anomaly ratio, %", view = "timeSeries", stat = "Sum", period = 3600
      metrics = [
        ["Spotcheck", "ProcessedImageCount", "ProjectName", var.project_name, { id = "images", visible = false }],
        ["Spotcheck", "DetectedAnomalyCount", "ProjectName", var.project_name, { id = "anomalies", visible = false }],
        [{ expression = "100 * anomalies / images", label = "all versions", id = "ratio" }],
      ]
    },
    {
      title   = "Images by model version", view = "timeSeries"
      metrics = [[{ expression = local.by_version.ProcessedImageCount, id = "images" }]]
    },
    {
      title   = "Anomalies by model version", view = "timeSeries"
      metrics = [[{ expression = local.by_version.DetectedAnomalyCount, id = "anomalies" }]]
    },
    {
      title = "Anomaly ratio by model version, %", view = "timeSeries"
      metrics = [
        [{ expression = local.by_version.ProcessedImageCount, id = "images", visible = false }],
        [{ expression = local.by_version.DetectedAnomalyCount, id = "anomalies", visible = false }],
        [{ expression = "100 * anomalies / images", id = "ratio" }],
      ]
    },
    {
      title = "Time to judge, ms", view = "timeSeries", period = 300
      metrics = [
        for statistic in ["p50", "p95", "Maximum"] :
        ["Spotcheck", "Time", "ProjectName", var.project_name, { stat = statistic, label = statistic }]
      ]
    },
    { title = "Duration of the handlers, p95, ms", view = "timeSeries", period = 300, metrics = local.lambda_metrics.Duration },
    { title = "Handlers at once", view = "timeSeries", period = 300, metrics = local.lambda_metrics.ConcurrentExecutions },
    { title = "Errors of the handlers", view = "timeSeries", period = 300, metrics = local.lambda_metrics.Errors },
    { title = "Throttled", view = "timeSeries", period = 300, metrics = local.lambda_metrics.Throttles },
    {
      title   = "Dead letters", view = "timeSeries", stat = "Maximum", period = 300
      metrics = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", local.dead_letters_name, { label = "waiting" }]]
    },
    {
      title = "Videos", view = "timeSeries", stat = "Sum", period = 3600
      metrics = [
        ["Spotcheck", "ProcessedVideoCount", "ProjectName", var.project_name, { label = "judged" }],
        ["Spotcheck", "FailedVideoCount", "ProjectName", var.project_name, { label = "failed" }],
      ]
    },
    {
      title = "MediaConvert jobs", view = "timeSeries", stat = "Sum", period = 3600
      metrics = [
        for metric, label in { JobsCompletedCount = "completed", JobsErroredCount = "failed", JobsCanceledCount = "cancelled" } :
        ["AWS/MediaConvert", metric, "Queue", local.mediaconvert_arn, { label = label }]
      ]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [
      for place, widget in local.widgets : {
        type       = "metric"
        x          = 8 * (place % 3)
        y          = 6 * floor(place / 3)
        width      = 8
        height     = 6
        properties = merge(widget, { region = local.region })
      }
    ]
  })
}
