locals {
  # Index => its keys; all project every attribute (docs/results.md says which question each answers).
  table_indexes = {
    "by-day"           = { hash_key = "DayShard", range_key = "DateId" }
    "anomalous-by-day" = { hash_key = "AnomalousDayShard", range_key = "DateId" }
    "waiting"          = { hash_key = "WaitingDayShard", range_key = "DateId" }
    "by-video"         = { hash_key = "VideoId", range_key = "FrameIndex" }
    "by-image"         = { hash_key = "Image", range_key = "DateId" }
    "videos-by-day"    = { hash_key = "VideoDayShard", range_key = "DateId" }
  }

  table_attributes = {
    RequestID         = "S"
    DayShard          = "S"
    AnomalousDayShard = "S"
    WaitingDayShard   = "S"
    DateId            = "S"
    VideoId           = "S"
    FrameIndex        = "N"
    Image             = "S"
    VideoDayShard     = "S"
  }
}

resource "aws_dynamodb_table" "results" {
  # checkov:skip=CKV_AWS_119:encrypted with the key that AWS manages for DynamoDB unless the user names one (kms_key_arn)
  name                        = var.results_table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "RequestID"
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = local.table_attributes

    content {
      name = attribute.key
      type = attribute.value
    }
  }

  dynamic "global_secondary_index" {
    for_each = local.table_indexes

    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.hash_key
      range_key       = global_secondary_index.value.range_key
      projection_type = "ALL"
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}
