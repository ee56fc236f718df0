locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  region     = data.aws_region.current.name

  # The embedded AWS speaks plain HTTP on loopback, and its SQS ignores the conditions of a queue's policy.
  embedded = var.endpoint_url != null

  build_dir      = coalesce(var.build_dir, "${path.module}/../build/package")
  deployment_zip = "${local.build_dir}/deployment.zip"
  layers = {
    detector = {
      zip         = "${local.build_dir}/layer-${var.architecture}.zip"
      description = "numpy, onnxruntime, Pillow and simplejpeg for the handlers of ${var.name}"
    }
    training = {
      zip         = "${local.build_dir}/training-layer-${var.architecture}.zip"
      description = "onnx, the network's weights and what else ${var.name} needs to train models"
    }
  }

  # ARNs are written out rather than read from the resources: a policy is then known in the plan, where people and
  # `terraform test` can read it, and no role waits for a bucket or a queue to be made.
  bucket_names = {
    for role in ["videos", "images", "results", "models"] :
    role => "${var.name}-${role}-${local.account_id}-${local.region}"
  }
  bucket_arns            = { for role, name in local.bucket_names : role => "arn:${local.partition}:s3:::${name}" }
  table_arn              = "arn:${local.partition}:dynamodb:${local.region}:${local.account_id}:table/${var.results_table}"
  dead_letters_name      = "${var.name}-dead-letters"
  dead_letters_arn       = "arn:${local.partition}:sqs:${local.region}:${local.account_id}:${local.dead_letters_name}"
  mediaconvert_arn       = "arn:${local.partition}:mediaconvert:${local.region}:${local.account_id}:queues/${var.name}"
  mediaconvert_role_name = "${var.name}-mediaconvert-${local.region}"
  mediaconvert_role_arn  = "arn:${local.partition}:iam::${local.account_id}:role/${local.mediaconvert_role_name}"
  function_arn_prefix    = "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function"
  log_group_arn_prefix   = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group"
  event_rule_arn_prefix  = "arn:${local.partition}:events:${local.region}:${local.account_id}:rule"
}
