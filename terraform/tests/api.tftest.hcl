mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir = "./tests/fixtures/api"
}

run "every_route_is_chalices_and_signed" {
  command = plan

  assert {
    condition = toset(keys(aws_apigatewayv2_route.lookout)) == toset([
      "GET /2020-11-20/projects",
      "POST /2020-11-20/projects",
      "GET /2020-11-20/projects/{projectName}/models/{modelVersion}",
      "POST /2020-11-20/projects/{projectName}/models/{modelVersion}/detect",
      "POST /2020-11-20/projects/{projectName}/models/{modelVersion}/start",
    ])
    error_message = "A route for each of Chalice's, and none besides."
  }

  assert {
    condition     = alltrue([for route in values(aws_apigatewayv2_route.lookout) : route.authorization_type == "AWS_IAM"])
    error_message = "Nobody calls the API without a signature that IAM allows."
  }

  assert {
    condition     = length(aws_apigatewayv2_api.lookout) == 1 && aws_apigatewayv2_api.lookout[0].protocol_type == "HTTP"
    error_message = "One HTTP API."
  }
}

run "detection_has_a_function_of_its_own_and_every_request_goes_to_the_alias" {
  command = apply # the alias's address is known only then

  assert {
    condition = {
      for key, route in aws_apigatewayv2_route.lookout : key => key == "POST /2020-11-20/projects/{projectName}/models/{modelVersion}/detect"
      } == {
      for key, route in aws_apigatewayv2_route.lookout : key => route.target == "integrations/${aws_apigatewayv2_integration.lookout["detect_anomalies"].id}"
    }
    error_message = "detect_anomalies answers DetectAnomalies, api_handler the rest."
  }

  assert {
    condition = {
      for name, integration in aws_apigatewayv2_integration.lookout : name => integration.integration_uri
      } == {
      for name in ["api_handler", "detect_anomalies"] : name => aws_lambda_alias.live[name].invoke_arn
    }
    error_message = "An integration names the alias live, never $LATEST."
  }

  assert {
    condition = alltrue([
      for integration in values(aws_apigatewayv2_integration.lookout) :
      integration.payload_format_version == "1.0" && integration.integration_type == "AWS_PROXY"
    ])
    error_message = "Chalice understands payload format 1.0 alone."
  }

  assert {
    condition     = aws_lambda_function.this["detect_anomalies"].handler == aws_lambda_function.this["api_handler"].handler
    error_message = "Both functions run the same handler."
  }

  assert {
    condition = alltrue([
      for name, permission in aws_lambda_permission.api :
      permission.qualifier == "live" && permission.principal == "apigateway.amazonaws.com"
      && permission.source_account == "123456789012" && endswith(permission.source_arn, "/*/*")
    ]) && length(aws_lambda_permission.api) == 2
    error_message = "Our API may invoke the two functions by their alias, and no other API may."
  }
}

run "the_stage_is_throttled_and_keeps_an_access_log" {
  command = apply

  variables {
    api_requests_per_second = 7
    api_burst               = 9
    log_retention_days      = 14
  }

  assert {
    condition = (
      aws_apigatewayv2_stage.lookout[0].default_route_settings[0].throttling_rate_limit == 7
      && aws_apigatewayv2_stage.lookout[0].default_route_settings[0].throttling_burst_limit == 9
    )
    error_message = "More requests than that are answered with 429."
  }

  assert {
    condition = (
      aws_apigatewayv2_stage.lookout[0].access_log_settings[0].destination_arn == aws_cloudwatch_log_group.api[0].arn
      && aws_cloudwatch_log_group.api[0].retention_in_days == 14
    )
    error_message = "Every request is logged, as long as the other logs are kept."
  }

  assert {
    condition = alltrue([
      for member in ["requestId", "time", "route", "status", "caller", "latency", "error"] :
      contains(keys(jsondecode(aws_apigatewayv2_stage.lookout[0].access_log_settings[0].format)), member)
    ])
    error_message = "The log says who asked for what, when, and what came of it."
  }
}

run "a_function_of_the_api_takes_the_users_settings" {
  command = plan

  variables {
    functions = { detect_anomalies = { memory_mb = 3008 } }
  }

  assert {
    condition     = aws_lambda_function.this["detect_anomalies"].memory_size == 3008
    error_message = "detect_anomalies is none of Chalice's functions, and a function all the same."
  }
}

run "the_functions_of_the_api_have_alarms_and_are_on_the_dashboard" {
  command = plan

  assert {
    condition = alltrue([
      for pair in setproduct(["errors", "throttles", "slow"], ["api_handler", "detect_anomalies", "run_job"]) :
      contains(keys(aws_cloudwatch_metric_alarm.this), join("-", pair))
    ])
    error_message = "Each has the alarms that every handler has."
  }

  assert {
    condition = alltrue([
      for name in ["api_handler", "detect_anomalies", "run_job"] :
      strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "spotcheck-${name}")
    ])
    error_message = "The dashboard shows them."
  }
}

run "start_model_may_change_the_concurrency_of_what_judges_and_of_nothing_else" {
  command = plan

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.function["run_job"].policy).Statement :
      statement.Sid => statement.Resource if contains(["KeepWarm", "BoundConcurrency"], statement.Sid)
      } == {
      KeepWarm = [
        for name in ["detect_anomalies", "detect_frame", "detect_image"] : "arn:aws:lambda:eu-west-1:123456789012:function:spotcheck-${name}:live"
      ]
      BoundConcurrency = [
        for name in ["detect_anomalies", "detect_frame", "detect_image"] : "arn:aws:lambda:eu-west-1:123456789012:function:spotcheck-${name}"
      ]
    }
    error_message = "The three functions that judge, and no other."
  }
}

run "without_routes_there_is_no_api" {
  command = plan

  variables {
    build_dir = "./tests/fixtures/package"
  }

  assert {
    condition     = length(aws_apigatewayv2_api.lookout) == 0 && output.api_url == null
    error_message = "Nothing is made that nobody can call."
  }
}

run "only_run_job_may_start_itself_again_and_again" {
  command = plan

  assert {
    condition = {
      for config in values(aws_lambda_function_recursion_config.run_job) : config.function_name => config.recursive_loop
    } == { spotcheck-run_job = "Allow" }
    error_message = "Lambda ends a chain after some sixteen runs: uploads that wait would be left."
  }
}
