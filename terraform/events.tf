# Event rules and schedules of the decorators. Chalice names a rule after its handler only: `name` keeps two stacks apart.
# They name a queue by its role, as they name buckets.
locals {
  event_patterns = {
    for key, rule in local.event_rules :
    key => replace(coalesce(rule.event_pattern, "{}"), jsonencode("mediaconvert"), jsonencode(local.mediaconvert_arn))
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.event_rules

  name                = "${var.name}-${each.key}"
  description         = "Starts the handler ${each.value.function}"
  event_pattern       = each.value.event_pattern == null ? null : local.event_patterns[each.key]
  schedule_expression = each.value.schedule_expression
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.event_rules

  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = each.value.function
  arn       = aws_lambda_alias.live[each.value.function].arn

  # Events that EventBridge cannot hand to Lambda; what the function itself fails on goes by the on-failure destination.
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_lambda_permission" "events" {
  for_each = local.event_rules

  statement_id  = "events-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_alias.live[each.value.function].function_name
  qualifier     = aws_lambda_alias.live[each.value.function].name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[each.key].arn
}
