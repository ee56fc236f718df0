# What each handler needs and may do; the decorators say when it runs. A new handler needs one entry here.
locals {
  handler_defaults = {
    memory_mb       = 2048
    timeout_seconds = 60
    ephemeral_mb    = 512
    layers          = ["detector"]
    environment     = {}
    reads           = {} # role of a bucket => prefixes whose objects it may read
    writes          = {} # role of a bucket => prefixes where it may put (and read back) objects
    table           = [] # actions on the results table
    statements      = [] # any further IAM statements
  }

  detector = merge(local.handler_defaults, {
    environment = { WARM_START = "uploads" }
    writes      = { results = ["results/", "history/", "heatmaps/", "totals/"] }
    table       = ["dynamodb:GetItem", "dynamodb:PutItem"]
  })

  handlers = {
    detect_image = merge(local.detector, {
      reads = { images = ["image_inputs/"], models = ["projects/${var.project_name}/"] }
    })
    detect_frame = merge(local.detector, {
      reads = { images = ["video_inputs/"], models = ["projects/${var.project_name}/"] }
      table = [for action in ["GetItem", "PutItem", "UpdateItem"] : "dynamodb:${action}"]
    })
    convert_video = merge(local.handler_defaults, {
      memory_mb       = 512
      timeout_seconds = 300 # S3 copies some gigabytes meanwhile
      environment     = local.video_environment
      reads           = { videos = ["video_inputs/"] }
      writes          = { videos = ["video_sources/"] }
      table           = [for action in ["GetItem", "PutItem", "UpdateItem"] : "dynamodb:${action}"]
      statements = [
        {
          Sid      = "ConvertVideos"
          Effect   = "Allow"
          Action   = ["mediaconvert:CreateJob", "mediaconvert:ListJobs"]
          Resource = [local.mediaconvert_arn]
        },
        {
          Sid       = "LendMediaConvertItsRole"
          Effect    = "Allow"
          Action    = ["iam:PassRole"]
          Resource  = [local.mediaconvert_role_arn]
          Condition = { StringEquals = { "iam:PassedToService" = "mediaconvert.amazonaws.com" } }
        },
      ]
    })
    # The API's own function never judges: DetectAnomalies has one with more memory, and its own warmth.
    api_handler = merge(local.handler_defaults, {
      memory_mb       = 512
      timeout_seconds = 29 # an HTTP API waits for thirty
      reads           = { models = ["projects/", "client-tokens/"] }
      writes          = { models = ["projects/", "client-tokens/"] }
      environment = merge(local.job_environment, local.dataset_environment, {
        TRAIN_FUNCTION      = "${var.name}-train_model"
        MAX_TRAINING_IMAGES = tostring(var.max_training_images)
      })
      statements = [
        {
          Sid    = "DeleteProjects"
          Effect = "Allow"
          Action = ["s3:DeleteObject"]
          Resource = [
            for key in ["project.json", "current.json", "trainings.json", "models/*/claimed", "packaging/*"] :
            "${local.bucket_arns["models"]}/projects/*/${key}"
          ]
        },
        local.delete_dataset_files,
        {
          Sid      = "StartJobs"
          Effect   = "Allow"
          Action   = ["lambda:InvokeFunction"]
          Resource = [for handler in ["run_job", "train_model"] : "${local.function_arn_prefix}:${var.name}-${handler}:live"]
        },
      ]
    })
    detect_anomalies = merge(local.handler_defaults, {
      timeout_seconds = 29
      environment     = merge(local.dataset_environment, { WARM_START = "detection" })
      reads           = { models = ["projects/"] }
    })
    # What an operation of the API began: datasets, starting and stopping models, packaging.
    run_job = merge(local.handler_defaults, {
      timeout_seconds = 900
      environment     = merge(local.job_environment, local.dataset_environment, local.hosted_environment)
      reads           = { models = ["projects/"] }
      writes          = { models = ["projects/"], images = ["datasets/"] }
      statements = concat(
        local.use_datasets,
        [local.delete_dataset_files, local.delete_models],
        local.hosting_statements,
        local.continue_statements,
      )
    })
    # The most that a fresh account gives one function; 1769 MB are one vCPU. The pictures of a dataset lie on its
    # disk while they are trained on.
    train_model = merge(local.handler_defaults, {
      memory_mb       = 3008
      timeout_seconds = 900
      ephemeral_mb    = 10240
      layers          = ["detector", "training"]
      environment     = local.dataset_environment
      reads           = { models = ["projects/"] }
      writes          = { models = ["projects/"], images = ["datasets/"] }
      statements      = local.use_datasets
    })
    on_video_job = merge(local.handler_defaults, {
      memory_mb   = 512
      environment = local.video_environment
      table       = [for action in ["GetItem", "UpdateItem"] : "dynamodb:${action}"]
      statements = [{
        Sid      = "CountFrames"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [local.bucket_arns["images"]]
      }]
    })
  }

  video_environment = {
    IMAGES_BUCKET          = local.bucket_names["images"]
    MEDIACONVERT_QUEUE_ARN = local.mediaconvert_arn
    MEDIACONVERT_ROLE_ARN  = local.mediaconvert_role_arn
    VIDEO_PROFILE          = var.video_profile
    FRAME_INTERVAL_SECONDS = tostring(var.frame_interval_seconds)
    FRAME_MAX_SIDE         = tostring(var.frame_max_side)
  }

  job_environment = {
    JOB_FUNCTION = "${var.name}-run_job"
  }

  dataset_environment = {
    IMAGES_BUCKET   = local.bucket_names["images"]
    DATASET_BUCKETS = join(",", [for arn in var.dataset_bucket_arns : split(":::", arn)[1]])
  }

  # For whatever reads the pictures of datasets, or writes what training and packaging leave: the user's own buckets,
  # and below datasets/ the images bucket, where no upload starts a handler.
  use_datasets = concat(
    [{
      Sid      = "ReadDatasetVersions"
      Effect   = "Allow"
      Action   = ["s3:GetObjectVersion"]
      Resource = ["${local.bucket_arns["images"]}/datasets/*"]
    }],
    length(var.dataset_bucket_arns) == 0 ? [] : [
      {
        Sid      = "UseDatasetBuckets"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = [for arn in var.dataset_bucket_arns : "${arn}/*"]
      },
      {
        Sid      = "TellMissingInDatasetBuckets"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource = var.dataset_bucket_arns
      },
    ],
  )

  delete_models = {
    Sid      = "DeleteModels"
    Effect   = "Allow"
    Action   = ["s3:DeleteObject"]
    Resource = ["${local.bucket_arns["models"]}/projects/*/models/*"]
  }

  delete_dataset_files = {
    Sid      = "DeleteDatasetFiles"
    Effect   = "Allow"
    Action   = ["s3:DeleteObject"]
    Resource = ["${local.bucket_arns["models"]}/projects/*/datasets/*"]
  }

  # Whose environments StartModel keeps warm, and bounds: those that judge (docs/adr/0015).
  hosted = {
    DETECTION_FUNCTION = "detect_anomalies"
    IMAGE_FUNCTION     = "detect_image"
    FRAME_FUNCTION     = "detect_frame"
  }
  hosted_environment = { for variable, handler in local.hosted : variable => "${var.name}-${handler}" }
  hosted_arns        = [for name in values(local.hosted_environment) : "${local.function_arn_prefix}:${name}"]
  hosting_statements = [
    {
      Sid    = "KeepWarm"
      Effect = "Allow"
      Action = [
        for verb in ["Get", "Put", "Delete"] : "lambda:${verb}ProvisionedConcurrencyConfig"
      ]
      Resource = [for arn in local.hosted_arns : "${arn}:live"]
    },
    {
      Sid      = "BoundConcurrency"
      Effect   = "Allow"
      Action   = [for verb in ["Get", "Put", "Delete"] : "lambda:${verb}FunctionConcurrency"]
      Resource = local.hosted_arns
    },
    {
      Sid      = "FindWaitingUploads"
      Effect   = "Allow"
      Action   = ["dynamodb:Scan"]
      Resource = ["${local.table_arn}/index/waiting"]
    },
    {
      Sid      = "ReleaseWaitingUploads"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [for handler in ["detect_image", "detect_frame"] : "${local.function_arn_prefix}:${var.name}-${handler}:live"]
    },
  ]
  # A job that has more to do than fits into one run starts another.
  continue_statements = [{
    Sid      = "GoOn"
    Effect   = "Allow"
    Action   = ["lambda:InvokeFunction"]
    Resource = ["${local.function_arn_prefix}:${var.name}-run_job:live"]
  }]

  # One route of the API has a function of its own: the same zip and handler, another role and memory.
  detection_route = "POST /2020-11-20/projects/{projectName}/models/{modelVersion}/detect"
  packaged_functions = merge(
    local.chalice.aws_lambda_function,
    contains(local.routes, local.detection_route) ? { detect_anomalies = local.chalice.aws_lambda_function.api_handler } : {},
  )

  # Chalice's functions with what is known of them, under the user's own settings (null leaves ours).
  functions = {
    for name, function in local.packaged_functions : name => merge(
      try(local.handlers[name], local.handler_defaults),
      { for key, value in try(var.functions[name], {}) : key => value if value != null },
      { handler = function.handler, function_name = "${var.name}-${name}" },
    )
  }

  # The order in which a picture travels. A handler that writes where a handler listens must write further along
  # than it listens itself; then no chain of handlers can come round to its own beginning.
  bucket_order = { videos = 0, images = 1, results = 2, models = 3 }

  # Every write of a subscribed handler that starts a handler (itself or another) at the same or an earlier place.
  loops = flatten([
    for listen in local.subscriptions : [
      for role, prefixes in try(local.handlers[listen.function].writes, {}) : [
        for prefix in prefixes : [
          for other in local.subscriptions :
          "${listen.function} writes ${role}/${prefix}, which starts ${other.function}"
          if other.role == role
          && (startswith(prefix, other.prefix) || startswith(other.prefix, prefix))
          && local.bucket_order[role] <= local.bucket_order[listen.role]
        ]
      ]
    ]
  ])
}
