# The queue and role with which videos become frames. MediaConvert costs nothing until a job runs.
resource "aws_media_convert_queue" "this" {
  name        = var.name
  description = "Frames and proxies of uploaded videos"
}

# Trust limited to jobs of our own queue: another account cannot have MediaConvert read our videos for it.
resource "aws_iam_role" "mediaconvert" {
  name        = local.mediaconvert_role_name
  description = "MediaConvert reads uploaded videos and writes their frames."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "mediaconvert.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account_id }
        ArnLike      = { "aws:SourceArn" = local.mediaconvert_arn }
      }
    }]
  })
}

resource "aws_iam_role_policy" "mediaconvert" {
  name = "videos-to-frames"
  role = aws_iam_role.mediaconvert.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "ReadVideos"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${local.bucket_arns["videos"]}/video_sources/*"] # copies by convert_video
      },
      {
        Sid      = "WriteFrames"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = [for prefix in ["video_inputs/", "video_proxies/"] : "${local.bucket_arns["images"]}/${prefix}*"]
      },
    ], local.encrypted ? [local.use_key] : [])
  })
}
