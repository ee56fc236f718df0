"""AWS clients, with the time-outs and retries that every handler shares."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_mediaconvert import MediaConvertClient
    from mypy_boto3_s3 import S3Client

# Well inside the functions' own time-out, so that a hanging connection is retried here and not by Lambda.
_CONFIG = Config(connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 4})
# CreateJob is throttled by the account: more attempts, further apart, with jitter.
_THROTTLED = Config(connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 8})


@cache
def s3() -> S3Client:
    """The S3 client of this execution environment."""
    return boto3.client("s3", config=_CONFIG)


@cache
def s3_for_many() -> S3Client:
    """An S3 client for sixteen requests at once; a picture may take a while."""
    return boto3.client("s3", config=_CONFIG.merge(Config(max_pool_connections=16, read_timeout=60)))


@cache
def dynamodb() -> DynamoDBServiceResource:
    """The DynamoDB resource of this execution environment."""
    return boto3.resource("dynamodb", config=_CONFIG)


@cache
def lambda_() -> LambdaClient:
    """The Lambda client of this execution environment."""
    return boto3.client("lambda", config=_CONFIG)


@cache
def mediaconvert() -> MediaConvertClient:
    """The MediaConvert client, for the regional endpoint: account endpoints are a thing of the past."""
    return boto3.client("mediaconvert", config=_THROTTLED)
