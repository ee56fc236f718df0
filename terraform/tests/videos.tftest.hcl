mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir = "./tests/fixtures/videos"
}

run "a_job_of_our_queue_starts_on_video_job" {
  command = plan

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.this["on_video_job-event"].event_pattern) == {
      source        = ["aws.mediaconvert"]
      "detail-type" = ["MediaConvert Job State Change"]
      detail = {
        queue  = ["arn:aws:mediaconvert:eu-west-1:123456789012:queues/spotcheck"]
        status = ["PROGRESSING", "INPUT_INFORMATION", "COMPLETE", "ERROR", "CANCELED"]
      }
    }
    error_message = "The pattern names our queue's ARN: another team's jobs start nothing."
  }
}

run "an_uploaded_video_starts_convert_video" {
  command = plan

  assert {
    condition = { for target in aws_s3_bucket_notification.this["videos"].lambda_function : target.filter_prefix => target.id } == {
      "video_inputs/" = "convert_video"
    }
    error_message = "One handler for videos."
  }
}

run "convert_video_may_lend_mediaconvert_one_role_and_nothing_else" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.function["convert_video"].policy).Statement : statement
      if contains(statement.Action, "iam:PassRole")
      ] == [{
        Sid       = "LendMediaConvertItsRole"
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = ["arn:aws:iam::123456789012:role/spotcheck-mediaconvert-eu-west-1"]
        Condition = { StringEquals = { "iam:PassedToService" = "mediaconvert.amazonaws.com" } }
    }]
    error_message = "Passing a role is limited to that role and that service."
  }

}

run "convert_video_copies_uploads_to_where_nobody_overwrites_them" {
  command = plan

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.function["convert_video"].policy).Statement :
      statement.Sid => [for resource in statement.Resource : trimprefix(resource, "arn:aws:s3:::spotcheck-videos-123456789012-eu-west-1")]
      if anytrue([for action in statement.Action : startswith(action, "s3:")])
    } == { ReadVideos = ["/video_inputs/*"], WriteVideos = ["/video_sources/*"], TellMissingVideos = [""] }
    error_message = "It reads exactly the uploaded version and writes the copy that MediaConvert reads."
  }

  assert {
    condition     = aws_lambda_function.this["convert_video"].timeout == 300
    error_message = "A large video is copied within one invocation."
  }
}

run "videos_are_converted_as_the_user_says" {
  command = plan

  variables {
    video_profile          = "notebook"
    frame_interval_seconds = 2
    frame_max_side         = 640
  }

  assert {
    condition = { for name, value in aws_lambda_function.this["convert_video"].environment[0].variables : name => value if !contains(keys(aws_lambda_function.this["detect_image"].environment[0].variables), name) } == {
      IMAGES_BUCKET          = "spotcheck-images-123456789012-eu-west-1"
      MEDIACONVERT_QUEUE_ARN = "arn:aws:mediaconvert:eu-west-1:123456789012:queues/spotcheck"
      MEDIACONVERT_ROLE_ARN  = "arn:aws:iam::123456789012:role/spotcheck-mediaconvert-eu-west-1"
      VIDEO_PROFILE          = "notebook"
      FRAME_INTERVAL_SECONDS = "2"
      FRAME_MAX_SIDE         = "640"
    }
    error_message = "chalicelib.settings.VideoSettings reads exactly these."
  }
}

run "refuses_an_unknown_video_profile" {
  command = plan

  variables {
    video_profile = "cinema"
  }

  expect_failures = [var.video_profile]
}

run "refuses_half_a_second_between_frames" {
  command = plan

  variables {
    frame_interval_seconds = 0.5
  }

  expect_failures = [var.frame_interval_seconds]
}

run "refuses_frames_of_odd_size" {
  command = plan

  variables {
    frame_max_side = 641
  }

  expect_failures = [var.frame_max_side]
}
