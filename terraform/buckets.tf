resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18:access logs need a bucket of their own and cost per request; CloudTrail data events serve who needs them
  # checkov:skip=CKV_AWS_144:the pipeline lives in one region; a copy in another would double every picture's cost
  # checkov:skip=CKV_AWS_145:encrypted with S3's own keys unless the user names one (kms_key_arn)
  # checkov:skip=CKV2_AWS_62:only buckets in which an upload starts a handler have notifications (notifications.tf)
  for_each = local.bucket_names

  bucket = each.value
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    bucket_key_enabled = local.encrypted # one request to KMS for many objects

    apply_server_side_encryption_by_default {
      sse_algorithm     = local.encrypted ? "aws:kms" : "AES256"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

locals {
  # Role of a bucket => prefix => days after which its newest objects expire; 0 keeps them for ever.
  expiries = {
    videos = {
      "video_inputs/"  = var.expire_after_days.videos
      "video_sources/" = var.expire_after_days.sources
    }
    images = {
      "image_inputs/"  = var.expire_after_days.images
      "video_inputs/"  = var.expire_after_days.frames
      "video_proxies/" = var.expire_after_days.proxies
    }
    results = { "" = var.expire_after_days.results }
    models  = { "client-tokens/" = 1 } # they count for eight hours (chalicelib.lookout.api.answered_calls)
  }

  # What can be made again, or counts no more: no older version of it is kept.
  transient_prefixes = ["video_proxies/", "video_sources/", "client-tokens/"]
}

# The provider watches a lifecycle for almost a minute until S3 shows it everywhere: nothing may depend on it.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    id     = "tidy"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = var.abort_multipart_after_days
    }

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_expire_after_days
    }
  }

  dynamic "rule" {
    for_each = { for prefix, days in local.expiries[each.key] : prefix => days if days > 0 }

    content {
      id     = "expire-${rule.key == "" ? "all" : trimsuffix(rule.key, "/")}"
      status = "Enabled"

      filter {
        prefix = rule.key
      }

      expiration {
        days = rule.value
      }

      dynamic "noncurrent_version_expiration" {
        for_each = contains(local.transient_prefixes, rule.key) ? [1] : []

        content {
          noncurrent_days = noncurrent_version_expiration.value
        }
      }
    }
  }
}

# Whatever else may ever allow it. AWS's own services come without an account; what they may do is in their roles.
resource "aws_s3_bucket_policy" "closed" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.bucket_arns[each.key], "${local.bucket_arns[each.key]}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "DenyOtherAccounts"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.bucket_arns[each.key], "${local.bucket_arns[each.key]}/*"]
        Condition = {
          StringNotEquals = { "aws:PrincipalAccount" = local.account_id }
          BoolIfExists    = { "aws:PrincipalIsAWSService" = "false" }
        }
      },
    ]
  })

  # S3 refuses two changes of a bucket's access at the same time.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
