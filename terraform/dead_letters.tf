# Faults only: an event that failed three times or found no room for six hours waits here for `spotcheck redrive`.
resource "aws_sqs_queue" "dead_letters" {
  name                       = local.dead_letters_name
  message_retention_seconds  = 1209600 # 14 days, the longest that SQS keeps a message
  visibility_timeout_seconds = 300
  sqs_managed_sse_enabled    = local.encrypted ? null : true
  kms_master_key_id          = var.kms_key_arn
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "EventBridgeSendsDeadLetters"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.dead_letters_arn
        Condition = {
          ArnLike      = { "aws:SourceArn" = "${local.event_rule_arn_prefix}/${var.name}-*" }
          StringEquals = { "aws:SourceAccount" = local.account_id }
        }
      }],
      local.embedded ? [] : [{
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = local.dead_letters_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
    )
  })
}

resource "aws_lambda_function_event_invoke_config" "live" {
  for_each = aws_lambda_alias.live

  function_name                = each.value.function_name
  qualifier                    = each.value.name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }
}
