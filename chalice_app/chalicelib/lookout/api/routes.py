"""Name, method and path of the operations that are answered; Chalice makes a route of each.

A tag's ARN holds slashes: clients encode them, and what stands between may decode them.
"""

from __future__ import annotations

_PROJECTS = "/2020-11-20/projects"
_PROJECT = f"{_PROJECTS}/{{projectName}}"
_MODEL = f"{_PROJECT}/models/{{modelVersion}}"
_TAGS = "/2020-11-20/tags/{resourceArn}"
_DECODED_TAGS = f"{_TAGS}/{{project}}/{{version}}"

ROUTES = (
    ("CreateProject", "POST", _PROJECTS),
    ("ListProjects", "GET", _PROJECTS),
    ("DescribeProject", "GET", _PROJECT),
    ("DeleteProject", "DELETE", _PROJECT),
    ("ListModels", "GET", f"{_PROJECT}/models"),
    ("DescribeModel", "GET", _MODEL),
    ("StartModel", "POST", f"{_MODEL}/start"),
    ("StopModel", "POST", f"{_MODEL}/stop"),
    ("DetectAnomalies", "POST", f"{_MODEL}/detect"),
    ("TagResource", "POST", _TAGS),
    ("TagResource", "POST", _DECODED_TAGS),
    ("UntagResource", "DELETE", _TAGS),
    ("UntagResource", "DELETE", _DECODED_TAGS),
    ("ListTagsForResource", "GET", _TAGS),
    ("ListTagsForResource", "GET", _DECODED_TAGS),
)
