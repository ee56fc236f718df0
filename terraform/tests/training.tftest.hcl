# What trains models in the cloud has a function, a layer and a role of its own.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir = "./tests/fixtures/api"
}

run "the_trainer_has_what_a_fresh_account_gives_fifteen_minutes_and_room_for_the_pictures" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.this["train_model"].memory_size == 3008
      && aws_lambda_function.this["train_model"].timeout == 900
      && aws_lambda_function.this["train_model"].ephemeral_storage[0].size == 10240
    )
    error_message = "No more than 3,008 MB: a fresh account refuses that."
  }
}

run "only_the_trainer_has_the_second_layer" {
  command = apply # a layer's ARN is known only then

  assert {
    condition = {
      for name, function in aws_lambda_function.this : name => length(function.layers)
    } == merge({ for name in keys(local.functions) : name => 1 }, { train_model = 2 })
    error_message = "What judges does not carry what trains."
  }
}

run "its_memory_time_and_disk_are_the_users_to_set" {
  command = plan

  variables {
    functions = { train_model = { memory_mb = 10240, timeout_seconds = 600, ephemeral_mb = 2048 } }
  }

  assert {
    condition = (
      aws_lambda_function.this["train_model"].memory_size == 10240
      && aws_lambda_function.this["train_model"].timeout == 600
      && aws_lambda_function.this["train_model"].ephemeral_storage[0].size == 2048
    )
    error_message = "Whoever trains larger datasets gives it more."
  }
}

run "the_api_starts_the_trainer_and_knows_how_many_pictures_it_gets_through" {
  command = plan

  variables {
    max_training_images = 1234
  }

  assert {
    condition = (
      aws_lambda_function.this["api_handler"].environment[0].variables["TRAIN_FUNCTION"] == "spotcheck-train_model"
      && aws_lambda_function.this["api_handler"].environment[0].variables["MAX_TRAINING_IMAGES"] == "1234"
    )
    error_message = "CreateModel starts it, and refuses what is too much."
  }

  assert {
    condition = contains(
      one([
        for statement in jsondecode(aws_iam_role_policy.function["api_handler"].policy).Statement : statement.Resource
        if statement.Sid == "StartJobs"
      ]),
      "arn:aws:lambda:eu-west-1:123456789012:function:spotcheck-train_model:live",
    )
    error_message = "Behind the alias live."
  }
}

run "trains_as_many_pictures_as_leave_a_third_of_its_memory_free" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.this["api_handler"].environment[0].variables["MAX_TRAINING_IMAGES"] == "5000"
      && aws_lambda_function.this["train_model"].memory_size == 3008
    )
    error_message = "5,000 pictures were measured to take 1,808 MB (docs/lookout-migration.md)."
  }
}

run "refuses_a_number_of_training_images_that_cannot_be" {
  command = plan

  variables {
    max_training_images = 5
  }

  expect_failures = [var.max_training_images]
}
