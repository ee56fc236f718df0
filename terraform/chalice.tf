# What the decorators in chalice_app/app.py say, read as data from Chalice's package (docs/adr/0005).
locals {
  packaged = jsondecode(file("${local.build_dir}/chalice.tf.json"))
  chalice  = local.packaged.resource

  # Chalice describes its routes in Swagger: "METHOD /path/{parameter}".
  routes = flatten([
    for path, methods in try(jsondecode(local.packaged.locals.chalice_api_swagger).paths, {}) : [
      for method in keys(methods) : "${upper(method)} ${path}" if method != "parameters"
    ]
  ])

  # Chalice names a function in an expression ("${aws_lambda_function.NAME.arn}"): take the name out of it.
  function_reference = "aws_lambda_function\\.([^.]+)\\."

  subscriptions = flatten([
    for notification in values(try(local.chalice.aws_s3_bucket_notification, {})) : [
      for target in notification.lambda_function : {
        role     = notification.bucket
        function = regex(local.function_reference, target.lambda_function_arn)[0]
        events   = target.events
        prefix   = try(target.filter_prefix, "")
        suffix   = try(target.filter_suffix, null)
      }
    ]
  ])

  subscriptions_by_role = {
    for role in distinct(local.subscriptions[*].role) :
    role => [for subscription in local.subscriptions : subscription if subscription.role == role]
  }

  event_rules = {
    for key, target in try(local.chalice.aws_cloudwatch_event_target, {}) : key => {
      function            = regex(local.function_reference, target.arn)[0]
      event_pattern       = try(local.chalice.aws_cloudwatch_event_rule[key].event_pattern, null)
      schedule_expression = try(local.chalice.aws_cloudwatch_event_rule[key].schedule_expression, null)
    }
  }
}
