resource "aws_cloudwatch_log_group" "function" {
  # checkov:skip=CKV_AWS_158:CloudWatch Logs encrypts with its own key unless the user names one (kms_key_arn)
  # checkov:skip=CKV_AWS_338:how long logs are kept is the user's to say (log_retention_days); results are kept in the table
  for_each = local.functions

  name              = "/aws/lambda/${each.value.function_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
