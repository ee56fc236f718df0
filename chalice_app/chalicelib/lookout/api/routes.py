"""Name, method and path of the operations that are answered; Chalice makes a route of each.

A tag's ARN holds slashes: clients encode them, and what stands between may decode them.
"""

from __future__ import annotations

_PROJECTS = "/2020-11-20/projects"
_PROJECT = f"{_PROJECTS}/{{projectName}}"
_MODEL = f"{_PROJECT}/models/{{modelVersion}}"
_DATASETS = f"{_PROJECT}/datasets"
_DATASET = f"{_DATASETS}/{{datasetType}}"
_PACKAGING = f"{_PROJECT}/modelpackagingjobs"
_TAGS = "/2020-11-20/tags/{resourceArn}"
_DECODED_TAGS = f"{_TAGS}/{{project}}/{{version}}"

ROUTES = (
    ("CreateProject", "POST", _PROJECTS),
    ("ListProjects", "GET", _PROJECTS),
    ("DescribeProject", "GET", _PROJECT),
    ("DeleteProject", "DELETE", _PROJECT),
    ("CreateDataset", "POST", _DATASETS),
    ("DescribeDataset", "GET", _DATASET),
    ("DeleteDataset", "DELETE", _DATASET),
    ("ListDatasetEntries", "GET", f"{_DATASET}/entries"),
    ("UpdateDatasetEntries", "PATCH", f"{_DATASET}/entries"),
    ("CreateModel", "POST", f"{_PROJECT}/models"),
    ("ListModels", "GET", f"{_PROJECT}/models"),
    ("DescribeModel", "GET", _MODEL),
    ("DeleteModel", "DELETE", _MODEL),
    ("StartModel", "POST", f"{_MODEL}/start"),
    ("StopModel", "POST", f"{_MODEL}/stop"),
    ("DetectAnomalies", "POST", f"{_MODEL}/detect"),
    ("StartModelPackagingJob", "POST", _PACKAGING),
    ("ListModelPackagingJobs", "GET", _PACKAGING),
    ("DescribeModelPackagingJob", "GET", f"{_PACKAGING}/{{jobName}}"),
    ("TagResource", "POST", _TAGS),
    ("TagResource", "POST", _DECODED_TAGS),
    ("UntagResource", "DELETE", _TAGS),
    ("UntagResource", "DELETE", _DECODED_TAGS),
    ("ListTagsForResource", "GET", _TAGS),
    ("ListTagsForResource", "GET", _DECODED_TAGS),
)
