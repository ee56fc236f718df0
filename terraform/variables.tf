variable "name" {
  description = "Prefix of the names of everything in the stack; two stacks in one account and region need two names."
  type        = string
  default     = "spotcheck"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 20 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen."
  }
}

variable "project_name" {
  description = "Lookout for Vision project whose models judge the uploads."
  type        = string
  default     = "spotcheck"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$", var.project_name))
    error_message = "project_name must have 1 to 255 letters, digits, hyphens and underscores, and begin with a letter or digit."
  }
}

variable "model_version" {
  description = "Version of the model that judges; empty follows what was published last."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([1-9][0-9]{0,9})?$", var.model_version))
    error_message = "model_version must be empty or a whole number such as 3."
  }
}

variable "results_table" {
  description = "Name of the DynamoDB table of results; another name than the default where the notebook's table already exists."
  type        = string
  default     = "lookout_for_vision_summary"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.results_table))
    error_message = "results_table must have 3 to 255 letters, digits, underscores, dots and hyphens."
  }
}

variable "deletion_protection" {
  description = "Whether DynamoDB refuses to delete the results table (`spotcheck destroy` lifts it, after its own questions)."
  type        = bool
  default     = true
  nullable    = false
}

variable "architecture" {
  description = "Processor of the functions: x86_64, or arm64 (cheaper, but unverified: onnxruntime has crashed on import there)."
  type        = string
  default     = "x86_64"
  nullable    = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "functions" {
  description = "Settings per handler, for example { detect_image = { memory_mb = 3008 } }; what is left out keeps its default. Concurrency is StartModel's to set."
  type = map(object({
    memory_mb       = optional(number)
    timeout_seconds = optional(number)
    ephemeral_mb    = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.functions) : contains(keys(local.packaged_functions), name)])
    error_message = "functions names a handler that app.py does not have."
  }

  validation {
    condition = alltrue([
      for settings in values(var.functions) : coalesce(settings.memory_mb, 512) >= 512 && coalesce(settings.memory_mb, 512) <= 10240
    ])
    error_message = "memory_mb must be between 512 (the detector needs that) and 10240."
  }

  validation {
    condition = alltrue([
      for settings in values(var.functions) : coalesce(settings.timeout_seconds, 60) >= 10 && coalesce(settings.timeout_seconds, 60) <= 900
    ])
    error_message = "timeout_seconds must be between 10 and 900."
  }

  validation {
    condition = alltrue([
      for settings in values(var.functions) : coalesce(settings.ephemeral_mb, 512) >= 512 && coalesce(settings.ephemeral_mb, 512) <= 10240
    ])
    error_message = "ephemeral_mb must be between 512 and 10240."
  }
}

variable "max_image_bytes" {
  description = "Largest picture that is judged, in bytes; a larger one is REJECTED with this reason."
  type        = number
  default     = 25000000
  nullable    = false

  validation {
    condition     = var.max_image_bytes >= 1000 && var.max_image_bytes <= 200000000 && floor(var.max_image_bytes) == var.max_image_bytes
    error_message = "max_image_bytes must be a whole number between 1000 and 200000000."
  }
}

variable "max_image_megapixels" {
  description = "Largest picture that is judged, in millions of pixels; a larger one is REJECTED with this reason. Each takes 7 MB of the detectors' memory_mb."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.max_image_megapixels >= 1 && var.max_image_megapixels <= 400 && floor(var.max_image_megapixels) == var.max_image_megapixels
    error_message = "max_image_megapixels must be a whole number between 1 and 400."
  }
}

variable "index_shards" {
  description = "Partitions per day of the table's indexes (a thousand writes a second each); it may grow, never shrink."
  type        = number
  default     = 16
  nullable    = false

  validation {
    condition     = var.index_shards >= 1 && var.index_shards <= 99 && floor(var.index_shards) == var.index_shards
    error_message = "index_shards must be a whole number between 1 and 99."
  }
}

variable "api_requests_per_second" {
  description = "How many requests a second the Lookout for Vision API takes; more are answered with 429."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = var.api_requests_per_second >= 1
    error_message = "api_requests_per_second must be 1 or more."
  }
}

variable "api_burst" {
  description = "How many requests the Lookout for Vision API takes at once."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.api_burst >= 1 && floor(var.api_burst) == var.api_burst
    error_message = "api_burst must be a whole number of 1 or more."
  }
}

variable "max_training_images" {
  description = "How many labelled pictures a project may have to be trained in the cloud; more are trained at the desk. What gets through depends on memory_mb of train_model (docs/lookout-migration.md)."
  type        = number
  default     = 5000
  nullable    = false

  validation {
    condition     = var.max_training_images >= 20 && var.max_training_images <= 20000 && floor(var.max_training_images) == var.max_training_images
    error_message = "max_training_images must be a whole number between 20 and 20000."
  }
}

variable "dataset_bucket_arns" {
  description = "ARNs of further buckets whose pictures, masks and manifests datasets may use, and that training may write its results to (OutputConfig). Without it: only below datasets/ in the images bucket."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.dataset_bucket_arns : can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", arn))])
    error_message = "dataset_bucket_arns takes ARNs of whole buckets such as arn:aws:s3:::my-pictures, without prefix or wildcard."
  }

  validation {
    condition     = length(var.dataset_bucket_arns) <= 20 && length(distinct(var.dataset_bucket_arns)) == length(var.dataset_bucket_arns)
    error_message = "dataset_bucket_arns takes at most 20 buckets, each once: the functions' policies have room for no more."
  }
}

variable "log_level" {
  description = "How much the functions log: DEBUG, INFO, WARNING or ERROR."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "log_level must be DEBUG, INFO, WARNING or ERROR."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept; one of the numbers that CloudWatch Logs takes."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a retention that CloudWatch Logs takes, for example 7, 30, 90 or 365."
  }
}

variable "expire_after_days" {
  description = "Days after which S3 deletes pictures, frames and proxies of videos, videos, the copies of them that MediaConvert reads (sources), and results; 0 keeps them for ever. Items of the table never expire."
  type = object({
    images  = optional(number, 0)
    frames  = optional(number, 365)
    proxies = optional(number, 7)
    videos  = optional(number, 0)
    sources = optional(number, 7)
    results = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for days in values(var.expire_after_days) : days >= 0 && floor(days) == days])
    error_message = "expire_after_days takes whole numbers of days, 0 or more."
  }
}

variable "noncurrent_expire_after_days" {
  description = "Days after which S3 deletes versions of objects that a newer version (or a deletion) has replaced."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.noncurrent_expire_after_days >= 1 && floor(var.noncurrent_expire_after_days) == var.noncurrent_expire_after_days
    error_message = "noncurrent_expire_after_days must be a whole number of at least 1."
  }
}

variable "abort_multipart_after_days" {
  description = "Days after which S3 throws away parts of uploads that were never completed."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.abort_multipart_after_days >= 1 && floor(var.abort_multipart_after_days) == var.abort_multipart_after_days
    error_message = "abort_multipart_after_days must be a whole number of at least 1."
  }
}

variable "tags" {
  description = "Further tags for everything in the stack, beside Application and Stack."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "build_dir" {
  description = "Folder with what `make package` built; null is build/package of this clone."
  type        = string
  default     = null
}

variable "endpoint_url" {
  description = "Address of the embedded AWS on this machine; null on AWS."
  type        = string
  default     = null

  validation {
    condition     = var.endpoint_url == null ? true : can(regex("^http://(127\\.0\\.0\\.1|localhost|\\[::1\\]):[0-9]+$", var.endpoint_url))
    error_message = "endpoint_url must be a loopback address such as http://127.0.0.1:4566: the embedded AWS never listens elsewhere."
  }
}

variable "video_profile" {
  description = "How videos become frames: inspection (whole video, proportions kept) or notebook (the original notebook's own job: four frames, 500 x 500, padded)."
  type        = string
  default     = "inspection"
  nullable    = false

  validation {
    condition     = contains(["inspection", "notebook"], var.video_profile)
    error_message = "video_profile must be inspection or notebook."
  }
}

variable "frame_interval_seconds" {
  description = "Seconds of video between two frames that are judged (profile inspection)."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.frame_interval_seconds >= 1 && floor(var.frame_interval_seconds) == var.frame_interval_seconds
    error_message = "frame_interval_seconds must be a whole number of at least 1."
  }
}

variable "frame_max_side" {
  description = "Longest side of a captured frame in pixels (profile inspection); smaller videos are not enlarged."
  type        = number
  default     = 1280
  nullable    = false

  validation {
    condition     = var.frame_max_side >= 64 && var.frame_max_side <= 4096 && var.frame_max_side % 2 == 0
    error_message = "frame_max_side must be an even number from 64 to 4096."
  }
}

variable "alarm_email" {
  description = "Address that alarms are sent to, once it has confirmed SNS's first message; null sends none (subscribe what you like to the topic)."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null ? true : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email must be an e-mail address."
  }
}

variable "kms_key_arn" {
  description = "KMS key that encrypts buckets, table, logs, dead letters and alarms; null leaves each service its own key. The output kms_key_policy_statements says what the key's policy must have first."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID; an alias will not do."
  }
}

variable "rejected_percent_alarm" {
  description = "Percentage of an hour's pictures that may be rejected before the alarm rejected-rate rings."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.rejected_percent_alarm > 0 && var.rejected_percent_alarm < 100
    error_message = "rejected_percent_alarm must be between 0 and 100."
  }
}
