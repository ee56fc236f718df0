# The layers are larger than Lambda takes directly, so they go through S3. Their content is part of the key: a new layer
# is a new object, and the old one stays until nothing names it.
resource "aws_s3_object" "layer" {
  for_each = local.layers

  bucket       = aws_s3_bucket.this["models"].id
  key          = "layers/${var.name}-${each.key}-${var.architecture}-${substr(filesha256(each.value.zip), 0, 16)}.zip"
  source       = each.value.zip
  content_type = "application/zip"

  # S3 keeps the version of an object only if versioning was on when it came.
  depends_on = [aws_s3_bucket_versioning.this]

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_layer_version" "this" {
  for_each = local.layers

  layer_name               = "${var.name}-${each.key}"
  description              = each.value.description
  s3_bucket                = aws_s3_object.layer[each.key].bucket
  s3_key                   = aws_s3_object.layer[each.key].key
  s3_object_version        = aws_s3_object.layer[each.key].version_id
  source_code_hash         = filebase64sha256(each.value.zip)
  compatible_runtimes      = ["python3.13"]
  compatible_architectures = [var.architecture]

  lifecycle {
    create_before_destroy = true
  }
}

moved {
  from = aws_s3_object.layer
  to   = aws_s3_object.layer["detector"]
}

moved {
  from = aws_lambda_layer_version.this
  to   = aws_lambda_layer_version.this["detector"]
}
