terraform {
  required_version = ">= 1.9"

  # The aws provider alone: nothing else to download, nothing random in the plan (docs/adr/0006).
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}
