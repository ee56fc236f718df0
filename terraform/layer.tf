# The layer is larger than Lambda takes directly, so it goes through S3. Its content is part of the key: a new layer
# is a new object, and the old one stays until nothing names it.
resource "aws_s3_object" "layer" {
  bucket       = aws_s3_bucket.this["models"].id
  key          = "layers/${var.name}-${var.architecture}-${substr(filesha256(local.layer_zip), 0, 16)}.zip"
  source       = local.layer_zip
  content_type = "application/zip"

  # S3 keeps the version of an object only if versioning was on when it came.
  depends_on = [aws_s3_bucket_versioning.this]

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_layer_version" "this" {
  layer_name               = "${var.name}-detector"
  description              = "numpy, onnxruntime, Pillow and simplejpeg for the handlers of ${var.name}"
  s3_bucket                = aws_s3_object.layer.bucket
  s3_key                   = aws_s3_object.layer.key
  s3_object_version        = aws_s3_object.layer.version_id
  source_code_hash         = filebase64sha256(local.layer_zip)
  compatible_runtimes      = ["python3.13"]
  compatible_architectures = [var.architecture]

  lifecycle {
    create_before_destroy = true
  }
}
