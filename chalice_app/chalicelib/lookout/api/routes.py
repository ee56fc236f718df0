"""Method and path of every operation: Chalice makes a route of each; a test compares them with the model."""

from __future__ import annotations

_PROJECTS = "/2020-11-20/projects"
_PROJECT = f"{_PROJECTS}/{{projectName}}"
_DATASET = f"{_PROJECT}/datasets/{{datasetType}}"
_MODEL = f"{_PROJECT}/models/{{modelVersion}}"
_JOBS = f"{_PROJECT}/modelpackagingjobs"
_TAGS = "/2020-11-20/tags/{resourceArn}"

ROUTES = {
    "CreateProject": ("POST", _PROJECTS),
    "DescribeProject": ("GET", _PROJECT),
    "ListProjects": ("GET", _PROJECTS),
    "DeleteProject": ("DELETE", _PROJECT),
    "CreateDataset": ("POST", f"{_PROJECT}/datasets"),
    "DescribeDataset": ("GET", _DATASET),
    "DeleteDataset": ("DELETE", _DATASET),
    "ListDatasetEntries": ("GET", f"{_DATASET}/entries"),
    "UpdateDatasetEntries": ("PATCH", f"{_DATASET}/entries"),
    "CreateModel": ("POST", f"{_PROJECT}/models"),
    "DescribeModel": ("GET", _MODEL),
    "ListModels": ("GET", f"{_PROJECT}/models"),
    "DeleteModel": ("DELETE", _MODEL),
    "StartModel": ("POST", f"{_MODEL}/start"),
    "StopModel": ("POST", f"{_MODEL}/stop"),
    "DetectAnomalies": ("POST", f"{_MODEL}/detect"),
    "StartModelPackagingJob": ("POST", _JOBS),
    "DescribeModelPackagingJob": ("GET", f"{_JOBS}/{{jobName}}"),
    "ListModelPackagingJobs": ("GET", _JOBS),
    "TagResource": ("POST", _TAGS),
    "UntagResource": ("DELETE", _TAGS),
    "ListTagsForResource": ("GET", _TAGS),
}
