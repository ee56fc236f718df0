resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_50:X-Ray has no permission narrower than every resource; timings are in the logs and metrics
  # checkov:skip=CKV_AWS_115:reserved concurrency takes from a fresh account's ten; StartModel sets it (MaxInferenceUnits)
  # checkov:skip=CKV_AWS_116:failed events go to the on-failure destination (dead_letters.tf), which carries the reason too
  # checkov:skip=CKV_AWS_117:the handlers talk to AWS services only; a VPC would add endpoints and cost, not safety
  # checkov:skip=CKV_AWS_173:the environment holds names of resources, no secret
  # checkov:skip=CKV_AWS_272:the zip is built from the clone that deploys it, by whoever deploys it; nobody else could sign it
  for_each = local.functions

  function_name    = each.value.function_name
  description      = "Spotcheck handler ${each.key}"
  filename         = local.deployment_zip
  source_code_hash = filebase64sha256(local.deployment_zip)
  handler          = each.value.handler
  runtime          = "python3.13"
  architectures    = [var.architecture]
  layers           = [for layer in each.value.layers : aws_lambda_layer_version.this[layer].arn]
  role             = aws_iam_role.function[each.key].arn
  memory_size      = each.value.memory_mb
  timeout          = each.value.timeout_seconds
  publish          = true

  ephemeral_storage {
    size = each.value.ephemeral_mb
  }

  environment {
    variables = merge({
      PROJECT_NAME         = var.project_name
      MODEL_VERSION        = var.model_version
      OUTPUT_BUCKET        = local.bucket_names["results"]
      MODELS_BUCKET        = local.bucket_names["models"]
      RESULTS_TABLE        = var.results_table
      MAX_IMAGE_BYTES      = tostring(var.max_image_bytes)
      MAX_IMAGE_MEGAPIXELS = tostring(var.max_image_megapixels)
      INDEX_SHARDS         = tostring(var.index_shards)
      POWERTOOLS_LOG_LEVEL = var.log_level
    }, each.value.environment)
  }

  # The first event must find its permissions, and a log group that keeps no log for ever.
  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.function]

  lifecycle {
    # StartModel and StopModel own it, as they own provisioned concurrency, which is none of Terraform's (docs/adr/0015).
    ignore_changes = [reserved_concurrent_executions]

    precondition {
      condition     = can(local.handlers[each.key])
      error_message = "app.py has a handler ${each.key}, but terraform/handlers.tf does not say what it needs."
    }
  }
}

# Everything that starts a function names this alias, never $LATEST.
resource "aws_lambda_alias" "live" {
  for_each = aws_lambda_function.this

  name             = "live"
  description      = "The version that uploads and events start."
  function_name    = each.value.function_name
  function_version = each.value.version
}

# A job that has more to do than fits into one run starts itself again. Lambda would end that after some sixteen times;
# each run brings uploads to an end or fails, so that it has an end of its own (chalicelib.lookout.api.hosting_jobs).
resource "aws_lambda_function_recursion_config" "run_job" {
  for_each = { for handler, function in aws_lambda_function.this : handler => function if handler == "run_job" }

  function_name  = each.value.function_name
  recursive_loop = "Allow"
}
