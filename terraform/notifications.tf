# One notification per bucket, all made here: a bucket has only one, and whoever writes last wins.
resource "aws_s3_bucket_notification" "this" {
  for_each = local.subscriptions_by_role

  bucket = aws_s3_bucket.this[each.key].id

  dynamic "lambda_function" {
    for_each = each.value

    content {
      id                  = lambda_function.value.function
      lambda_function_arn = aws_lambda_alias.live[lambda_function.value.function].arn
      events              = lambda_function.value.events
      filter_prefix       = lambda_function.value.prefix
      filter_suffix       = lambda_function.value.suffix
    }
  }

  # S3 tries the permission before it accepts the notification.
  depends_on = [aws_lambda_permission.s3]

  lifecycle {
    precondition {
      condition     = length(local.loops) == 0
      error_message = "A handler would start itself for ever: ${join("; ", local.loops)}."
    }
  }
}

resource "aws_lambda_permission" "s3" {
  for_each = { for subscription in local.subscriptions : "${subscription.role}-${subscription.function}" => subscription }

  statement_id   = "s3-${each.value.role}"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_alias.live[each.value.function].function_name
  qualifier      = aws_lambda_alias.live[each.value.function].name
  principal      = "s3.amazonaws.com"
  source_account = local.account_id
  source_arn     = local.bucket_arns[each.value.role]
}
