# The Lookout for Vision API: one route for each of Chalice's, all of them signed (docs/adr/0012).
locals {
  has_api = length(local.routes) > 0
  route_functions = {
    for route in local.routes : route => route == local.detection_route ? "detect_anomalies" : "api_handler"
  }
}

resource "aws_apigatewayv2_api" "lookout" {
  count = local.has_api ? 1 : 0

  name          = "${var.name}-lookout"
  description   = "Lookout for Vision's API for the models of this stack."
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "lookout" {
  for_each = toset(values(local.route_functions))

  api_id                 = aws_apigatewayv2_api.lookout[0].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.live[each.value].invoke_arn
  payload_format_version = "1.0" # Chalice's
}

resource "aws_apigatewayv2_route" "lookout" {
  for_each = local.route_functions

  api_id             = aws_apigatewayv2_api.lookout[0].id
  route_key          = each.key
  authorization_type = "AWS_IAM"
  target             = "integrations/${aws_apigatewayv2_integration.lookout[each.value].id}"
}

resource "aws_apigatewayv2_stage" "lookout" {
  count = local.has_api ? 1 : 0

  api_id      = aws_apigatewayv2_api.lookout[0].id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.api_requests_per_second
    throttling_burst_limit = var.api_burst
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api[0].arn
    format = jsonencode({
      requestId = "$context.requestId", time = "$context.requestTime", route = "$context.routeKey",
      status    = "$context.status", caller = "$context.identity.userArn", latency = "$context.responseLatency",
      error     = "$context.error.message"
    })
  }
}

resource "aws_cloudwatch_log_group" "api" {
  # checkov:skip=CKV_AWS_158:CloudWatch Logs encrypts with its own key unless the user names one (kms_key_arn)
  # checkov:skip=CKV_AWS_338:how long logs are kept is the user's to say (log_retention_days)
  count = local.has_api ? 1 : 0

  name              = "/aws/lambda/${var.name}-api-access"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_permission" "api" {
  for_each = toset(values(local.route_functions))

  statement_id   = "api"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_alias.live[each.value].function_name
  qualifier      = aws_lambda_alias.live[each.value].name
  principal      = "apigateway.amazonaws.com"
  source_account = local.account_id
  source_arn     = "${aws_apigatewayv2_api.lookout[0].execution_arn}/*/*"
}
