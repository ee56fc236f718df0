output "videos_bucket" {
  description = "Bucket for videos; upload below video_inputs/."
  value       = aws_s3_bucket.this["videos"].id
}

output "images_bucket" {
  description = "Bucket for pictures; upload below image_inputs/. Frames of videos arrive below video_inputs/."
  value       = aws_s3_bucket.this["images"].id
}

output "results_bucket" {
  description = "Bucket of verdicts (results/, history/) and heat maps (heatmaps/)."
  value       = aws_s3_bucket.this["results"].id
}

output "models_bucket" {
  description = "Bucket of published models (projects/) and of the Lambda layers (layers/)."
  value       = aws_s3_bucket.this["models"].id
}

output "results_table" {
  description = "DynamoDB table with one item per uploaded object version."
  value       = aws_dynamodb_table.results.name
}

output "dead_letter_queue_url" {
  description = "SQS queue of events that failed for good."
  value       = aws_sqs_queue.dead_letters.url
}

output "api_url" {
  description = "Address of the Lookout for Vision API: AWS_ENDPOINT_URL_LOOKOUTVISION of its clients."
  value = !local.has_api ? null : (
    local.embedded
    ? "${var.endpoint_url}/_localaws/http-api/${aws_apigatewayv2_api.lookout[0].id}"
    : trimsuffix(aws_apigatewayv2_stage.lookout[0].invoke_url, "/")
  )
}

output "region" {
  description = "Region of the stack."
  value       = local.region
}

output "endpoint_url" {
  description = "Address of the embedded AWS; null on AWS."
  value       = var.endpoint_url
}

output "project_name" {
  description = "Project whose models judge."
  value       = var.project_name
}

output "function_names" {
  description = "Handler in app.py => name of its Lambda function (start it by its alias `live`)."
  value       = { for name, function in aws_lambda_function.this : name => function.function_name }
}

output "mediaconvert_queue_arn" {
  description = "MediaConvert queue for video jobs."
  value       = aws_media_convert_queue.this.arn
}

output "mediaconvert_role_arn" {
  description = "Role that MediaConvert takes on for a job."
  value       = aws_iam_role.mediaconvert.arn
}

output "layer_arn" {
  description = "Version of the Lambda layer that the functions use."
  value       = aws_lambda_layer_version.this["detector"].arn
}

output "training_layer_arn" {
  description = "Version of the Lambda layer that training uses besides."
  value       = aws_lambda_layer_version.this["training"].arn
}

output "index_shards" {
  description = "Partitions of a day in the table's indexes: what reads them must know."
  value       = var.index_shards
}

output "alarms_topic_arn" {
  description = "SNS topic that every alarm is sent to."
  value       = aws_sns_topic.alarms.arn
}

output "kms_key_policy_statements" {
  description = "JSON list of the statements that the policy of a KMS key needs before it can be kms_key_arn."
  value       = jsonencode(local.kms_key_policy_statements)
}

output "dashboard_name" {
  description = "CloudWatch dashboard with totals, ratios, times and faults."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
