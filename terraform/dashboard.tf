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

  # Units of StartModel: how many of the warm environments are in use, and requests that found none.
  unit_metrics = [
    for handler, function in local.functions : {
      used  = ["AWS/Lambda", "ProvisionedConcurrencyUtilization", "FunctionName", function.function_name, "Resource", "${function.function_name}:live", { id = "${handler}_used", visible = false }]
      share = [{ expression = "100 * ${handler}_used", label = "${handler}, % in use", id = handler }]
      spill = ["AWS/Lambda", "ProvisionedConcurrencySpilloverInvocations", "FunctionName", function.function_name, "Resource", "${function.function_name}:live", { label = "${handler}, not warm", stat = "Sum", yAxis = "right" }]
    } if contains(values(local.hosted), handler)
  ]

  api_id = one(aws_apigatewayv2_api.lookout[*].id)
  api_widgets = [
    for widget in [
      {
        title = "API requests", view = "timeSeries", stat = "Sum", period = 300
        metrics = [
          for metric, label in { Count = "all", "4xx" = "refused (4xx)", "5xx" = "failed (5xx)" } :
          ["AWS/ApiGateway", metric, "ApiId", local.api_id, { label = label }]
        ]
      },
      {
        title = "API latency, ms", view = "timeSeries", period = 300
        metrics = [
          for statistic in ["p50", "p95", "Maximum"] :
          ["AWS/ApiGateway", "Latency", "ApiId", local.api_id, { stat = statistic, label = statistic }]
        ]
      },
    ] : widget if local.has_api
  ]

  # Title => what is drawn, three in a row; `view` and the like are CloudWatch's own properties of a widget.
  widgets = concat([
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
    {
      title   = "Units of the started models", view = "timeSeries", stat = "Maximum", period = 300
      metrics = concat(local.unit_metrics[*].used, local.unit_metrics[*].share, local.unit_metrics[*].spill)
    },
  ], local.api_widgets)
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
