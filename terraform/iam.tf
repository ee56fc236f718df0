locals {
  # An event names the version that was uploaded; of anything else the newest object is read.
  versioned_reads = ["videos", "images"]

  function_statements = {
    for name, function in local.functions : name => concat(
      [
        {
          Sid      = "WriteOwnLog"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["${local.log_group_arn_prefix}:/aws/lambda/${function.function_name}:*"]
        },
        {
          Sid      = "SendDeadLetters"
          Effect   = "Allow"
          Action   = ["sqs:SendMessage"]
          Resource = [local.dead_letters_arn]
        },
      ],
      [
        for role, prefixes in function.reads : {
          Sid      = "Read${title(role)}"
          Effect   = "Allow"
          Action   = contains(local.versioned_reads, role) ? ["s3:GetObject", "s3:GetObjectVersion"] : ["s3:GetObject"]
          Resource = [for prefix in prefixes : "${local.bucket_arns[role]}/${prefix}*"]
        }
      ],
      # A conditional write (If-Match) needs GetObject beside PutObject.
      [
        for role, prefixes in function.writes : {
          Sid      = "Write${title(role)}"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject"]
          Resource = [for prefix in prefixes : "${local.bucket_arns[role]}/${prefix}*"]
        }
      ],
      # Without these S3 answers 403 for an object or a version that is gone, which looks like a fault. No condition
      # on the prefix: a GetObject carries none, so the condition would bring the 403 back.
      [
        for role in distinct(concat(keys(function.reads), keys(function.writes))) : {
          Sid      = "TellMissing${title(role)}"
          Effect   = "Allow"
          Action   = contains(local.versioned_reads, role) ? ["s3:ListBucket", "s3:ListBucketVersions"] : ["s3:ListBucket"]
          Resource = [local.bucket_arns[role]]
        }
      ],
      [
        for actions in [function.table] : {
          Sid      = "UseResultsTable"
          Effect   = "Allow"
          Action   = actions
          Resource = [local.table_arn]
        } if length(actions) > 0
      ],
      function.statements,
      local.encrypted ? [local.use_key] : [],
    )
  }
}

# Roles are global in an account: the region in the name lets the same stack stand in several.
resource "aws_iam_role" "function" {
  for_each = local.functions

  name        = "${each.value.function_name}-${local.region}"
  description = "What the handler ${each.key} may do, and nothing else."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name   = "handler"
  role   = aws_iam_role.function[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.function_statements[each.key] })
}
