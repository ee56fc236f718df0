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
