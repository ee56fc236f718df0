# Each input that cannot work is refused by its own variable, with words that say what can.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir = "./tests/fixtures/package"
}

run "refuses_a_short_name" {
  command = plan

  variables {
    name = "ab"
  }

  expect_failures = [var.name]
}

run "refuses_a_long_name" {
  command = plan

  variables {
    name = "abcdefghijklmnopqrstu"
  }

  expect_failures = [var.name]
}

run "refuses_capitals_in_the_name" {
  command = plan

  variables {
    name = "Spotcheck"
  }

  expect_failures = [var.name]
}

run "refuses_a_name_that_ends_with_a_hyphen" {
  command = plan

  variables {
    name = "spotcheck-"
  }

  expect_failures = [var.name]
}

run "refuses_a_project_name_with_a_space" {
  command = plan

  variables {
    project_name = "solar cells"
  }

  expect_failures = [var.project_name]
}

run "refuses_a_project_name_that_begins_with_a_hyphen" {
  command = plan

  variables {
    project_name = "-cells"
  }

  expect_failures = [var.project_name]
}

run "refuses_a_model_version_that_is_no_number" {
  command = plan

  variables {
    model_version = "latest"
  }

  expect_failures = [var.model_version]
}

run "refuses_a_table_name_with_a_slash" {
  command = plan

  variables {
    results_table = "results/2026"
  }

  expect_failures = [var.results_table]
}

run "refuses_an_unknown_architecture" {
  command = plan

  variables {
    architecture = "riscv64"
  }

  expect_failures = [var.architecture]
}

run "refuses_an_unknown_handler" {
  command = plan

  variables {
    functions = { detect_imag = { memory_mb = 1024 } }
  }

  expect_failures = [var.functions]
}

run "refuses_too_little_memory" {
  command = plan

  variables {
    functions = { detect_image = { memory_mb = 128 } }
  }

  expect_failures = [var.functions]
}

run "refuses_too_long_a_timeout" {
  command = plan

  variables {
    functions = { detect_image = { timeout_seconds = 901 } }
  }

  expect_failures = [var.functions]
}

run "refuses_too_little_ephemeral_storage" {
  command = plan

  variables {
    functions = { detect_image = { ephemeral_mb = 256 } }
  }

  expect_failures = [var.functions]
}

run "refuses_pictures_without_a_byte" {
  command = plan

  variables {
    max_image_bytes = 0
  }

  expect_failures = [var.max_image_bytes]
}

run "refuses_pictures_without_a_pixel" {
  command = plan

  variables {
    max_image_megapixels = 0
  }

  expect_failures = [var.max_image_megapixels]
}

run "refuses_half_a_shard" {
  command = plan

  variables {
    index_shards = 1.5
  }

  expect_failures = [var.index_shards]
}

run "refuses_an_unknown_log_level" {
  command = plan

  variables {
    log_level = "LOUD"
  }

  expect_failures = [var.log_level]
}

run "refuses_a_retention_that_cloudwatch_does_not_know" {
  command = plan

  variables {
    log_retention_days = 31
  }

  expect_failures = [var.log_retention_days]
}

run "refuses_a_negative_expiry" {
  command = plan

  variables {
    expire_after_days = { images = -1 }
  }

  expect_failures = [var.expire_after_days]
}

run "refuses_versions_that_go_at_once" {
  command = plan

  variables {
    noncurrent_expire_after_days = 0
  }

  expect_failures = [var.noncurrent_expire_after_days]
}

run "refuses_uploads_that_are_given_up_at_once" {
  command = plan

  variables {
    abort_multipart_after_days = 0
  }

  expect_failures = [var.abort_multipart_after_days]
}

run "refuses_an_endpoint_on_another_machine" {
  command = plan

  variables {
    endpoint_url = "http://10.0.0.5:4566"
  }

  expect_failures = [var.endpoint_url]
}

run "refuses_a_prefix_as_a_dataset_bucket" {
  command = plan

  variables {
    dataset_bucket_arns = ["arn:aws:s3:::my-pictures/parts/*"]
  }

  expect_failures = [var.dataset_bucket_arns]
}

run "refuses_a_name_as_a_dataset_bucket" {
  command = plan

  variables {
    dataset_bucket_arns = ["my-pictures"]
  }

  expect_failures = [var.dataset_bucket_arns]
}

run "refuses_a_dataset_bucket_that_comes_twice" {
  command = plan

  variables {
    dataset_bucket_arns = ["arn:aws:s3:::my-pictures", "arn:aws:s3:::my-pictures"]
  }

  expect_failures = [var.dataset_bucket_arns]
}
