mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir    = "./tests/fixtures/videos"
  project_name = "Cars"
}

run "the_dashboard_shows_what_the_old_console_showed" {
  command = plan

  assert {
    condition = [
      for metric in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].properties.metrics : try(metric[1], metric[0].expression)
    ] == ["ProcessedImageCount", "DetectedAnomalyCount", "InvalidImageCount", "100 * anomalies / images"]
    error_message = "Total images processed, total anomalies, and their ratio."
  }

  assert {
    condition = strcontains(
      aws_cloudwatch_dashboard.this.dashboard_body,
      "SEARCH('{Spotcheck,ProjectName,ModelVersion} ProjectName=\\\"Cars\\\" MetricName=\\\"DetectedAnomalyCount\\\"', 'Sum', 3600)"
    )
    error_message = "A model version that is published tomorrow appears by itself."
  }
}

run "the_dashboard_shows_what_operators_need" {
  command = plan

  assert {
    condition = length(setsubtract(
      ["Errors", "Throttles", "Duration", "ApproximateNumberOfMessagesVisible", "Time", "ProcessedVideoCount", "FailedVideoCount", "JobsErroredCount"],
      flatten([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [for metric in widget.properties.metrics : try(metric[1], "")]])
    )) == 0
    error_message = "Faults, throttles, times, dead letters and videos."
  }

  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      widget.x + widget.width <= 24 && widget.properties.region == "eu-west-1"
    ])
    error_message = "Three in a row, of this region."
  }
}

run "without_an_api_there_is_no_widget_of_it" {
  command = plan

  assert {
    condition = !contains(
      jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[*].properties.title, "API requests"
    )
    error_message = "A package without routes has no API."
  }
}

run "the_dashboard_shows_the_api" {
  variables {
    build_dir = "./tests/fixtures/api"
  }

  assert {
    condition = {
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.title => [
        for metric in widget.properties.metrics : slice(metric, 0, 4)
      ] if startswith(widget.properties.title, "API ")
      } == {
      "API requests"    = [for metric in ["4xx", "5xx", "Count"] : ["AWS/ApiGateway", metric, "ApiId", aws_apigatewayv2_api.lookout[0].id]]
      "API latency, ms" = [for statistic in ["p50", "p95", "Maximum"] : ["AWS/ApiGateway", "Latency", "ApiId", aws_apigatewayv2_api.lookout[0].id]]
    }
    error_message = "Requests, what was refused, what failed, and how long it took."
  }

  assert {
    condition = toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [
        for metric in widget.properties.metrics : join(" ", [metric[1], metric[3], metric[5]])
        if metric[0] == "AWS/Lambda" && try(metric[4], null) == "Resource"
      ]
      ])) == toset(flatten([
      for handler in ["detect_anomalies", "detect_image", "detect_frame"] : [
        for metric in ["ProvisionedConcurrencyUtilization", "ProvisionedConcurrencySpilloverInvocations"] :
        "${metric} spotcheck-${handler} spotcheck-${handler}:live"
      ]
    ]))
    error_message = "How many warm environments are in use, and what found none, of every function that units apply to."
  }
}
