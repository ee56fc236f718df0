"""The API's own operations on a stack's projects and datasets, called from the desk."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from spotcheck.exceptions import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spotcheck.targets import Target

_LOOK_SECONDS = 0.5


class StackDatasets:
    """Makes projects and datasets as CreateProject and CreateDataset do, checked by the same contract.

    Args:
        target: The stack.
        sleep: Waits some seconds.
    """

    def __init__(self, target: Target, sleep: Callable[[float], None] = time.sleep) -> None:
        import boto3

        from chalicelib.documents import Documents
        from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
        from chalicelib.lookout.api.dataset_store import DatasetStore
        from chalicelib.lookout.api.datasets import Datasets
        from chalicelib.lookout.api.jobs import Jobs
        from chalicelib.lookout.api.names import Names
        from chalicelib.lookout.api.projects import Projects

        s3, models = target.client("s3"), target.outputs["models_bucket"]
        partition = boto3.Session().get_partition_for_region(target.region)
        self._sleep = sleep
        self._store = DatasetStore(s3, models)
        projects = Projects(
            Documents(s3, models), Names(partition, target.region, target.account), self._store
        )
        jobs = Jobs(target.client("lambda"), target.outputs["function_names"]["run_job"], "")
        datasets = Datasets(projects, self._store, jobs, DatasetBuckets(target.outputs["images_bucket"]))
        self._operations = {
            "CreateProject": projects.create,
            "DescribeProject": projects.describe,
            "CreateDataset": datasets.create,
            "DescribeDataset": datasets.describe,
        }

    def prepare(self, project: str, splits: Mapping[str, object]) -> None:
        """Makes a project unless there is one, and sees that it has room for these datasets.

        Raises:
            StackError: It has one of them, or the name is none that a project may have.
        """
        from chalicelib.lookout.api.errors import ResourceNotFoundException

        try:
            found = self._call("DescribeProject", {"projectName": project})["ProjectDescription"]["Datasets"]
        except StackError as error:
            if not isinstance(error.__cause__, ResourceNotFoundException):
                raise
            found = []
            self._call("CreateProject", {}, {"ProjectName": project})
        present = [one["DatasetType"] for one in found if one["DatasetType"] in splits]
        if present:
            message = (
                f"project {project} has a {' and a '.join(present)} dataset already: "
                "delete it first (DeleteDataset), or choose another --project"
            )
            raise StackError(message)

    def create(self, project: str, split: str, bucket: str, key: str) -> dict[str, Any]:
        """Makes a dataset from a manifest, and waits until it is there.

        Returns:
            Its `ImageStats`.

        Raises:
            StackError: It could not be made; the message has the reason, line by line.
        """
        source = {"GroundTruthManifest": {"S3Object": {"Bucket": bucket, "Key": key}}}
        body = {"DatasetType": split, "DatasetSource": source}
        self._call("CreateDataset", {"projectName": project}, body)
        place = {"projectName": project, "datasetType": split}
        while True:
            told = self._call("DescribeDataset", place)["DatasetDescription"]
            if told["Status"] == "CREATE_COMPLETE":
                return dict(told["ImageStats"])
            if told["Status"] != "CREATE_IN_PROGRESS":
                message = f"the {split} dataset of project {project} was not made: {told['StatusMessage']}"
                raise StackError(message)
            self._sleep(_LOOK_SECONDS)

    def _call(
        self, operation: str, path: Mapping[str, str], body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        from chalicelib.lookout.api.contract import HttpRequest, members_of
        from chalicelib.lookout.api.errors import ApiError

        request = HttpRequest(path, {}, {}, json.dumps(body or {}).encode())
        try:
            return self._operations[operation](members_of(operation, request))
        except ApiError as error:
            raise StackError(error.message) from error
