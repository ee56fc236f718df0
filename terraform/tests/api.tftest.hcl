mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir = "./tests/fixtures/api"
}

run "every_route_is_chalices_and_has_to_be_signed" {
  assert {
    condition = {
      for route in values(aws_apigatewayv2_route.lookout) : route.route_key => route.authorization_type
      } == {
      for route in [
        "GET /2020-11-20/projects",
        "POST /2020-11-20/projects",
        "GET /2020-11-20/projects/{projectName}",
        "DELETE /2020-11-20/projects/{projectName}",
        "POST /2020-11-20/projects/{projectName}/models/{modelVersion}/detect",
      ] : route => "AWS_IAM"
    }
    error_message = "Nobody calls without a signature."
  }

  assert {
    condition = (
      local.route_functions["POST /2020-11-20/projects/{projectName}/models/{modelVersion}/detect"] == "detect_anomalies"
      && local.route_functions["GET /2020-11-20/projects"] == "api_handler"
      && aws_lambda_function.this["detect_anomalies"].handler == aws_lambda_function.this["api_handler"].handler
      && aws_iam_role.function["detect_anomalies"].name == "spotcheck-detect_anomalies-eu-west-1"
      && !strcontains(aws_iam_role_policy.function["detect_anomalies"].policy, "s3:PutObject")
    )
    error_message = "What judges has a role of its own, which writes nothing."
  }

  assert {
    condition = alltrue([
      for name in ["api_handler", "detect_anomalies"] :
      aws_lambda_permission.api[name].principal == "apigateway.amazonaws.com"
      && aws_lambda_permission.api[name].qualifier == "live"
      && aws_lambda_permission.api[name].source_account == "123456789012"
      && aws_lambda_permission.api[name].source_arn == "${aws_apigatewayv2_api.lookout[0].execution_arn}/*/*"
    ]) && length(aws_lambda_permission.api) == 2
    error_message = "Only this API starts its functions."
  }
}

run "the_api_is_bounded_and_says_who_called" {
  variables {
    api_requests_per_second = 7
    api_burst               = 9
    log_retention_days      = 14
  }

  assert {
    condition = (
      one(aws_apigatewayv2_stage.lookout[0].default_route_settings).throttling_rate_limit == 7
      && one(aws_apigatewayv2_stage.lookout[0].default_route_settings).throttling_burst_limit == 9
      && aws_cloudwatch_log_group.api[0].retention_in_days == 14
      && strcontains(one(aws_apigatewayv2_stage.lookout[0].access_log_settings).format, "$context.identity.userArn")
    )
    error_message = "More requests than that are refused, and each is in the log with its caller."
  }

  assert {
    condition = length(setintersection(
      regexall("\\$context\\.[A-Za-z.]+", one(aws_apigatewayv2_stage.lookout[0].access_log_settings).format),
      ["$context.path", "$context.identity.sourceIp", "$context.authorizer.claims"],
    )) == 0
    error_message = "No path with a query in it, and nobody's address."
  }
}

run "without_routes_there_is_no_api" {
  command = plan

  variables {
    build_dir = "./tests/fixtures/videos"
  }

  assert {
    condition     = length(aws_apigatewayv2_api.lookout) + length(aws_cloudwatch_log_group.api) == 0 && output.api_url == null
    error_message = "Nothing is open that nobody asked for."
  }
}
