"""A stack's projects and datasets from the desk, through its Lookout for Vision API."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from spotcheck.exceptions import LookoutApiError, StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Container

_LOOK_SECONDS = 0.5


class StackDatasets:
    """Makes projects and datasets, and begins to train on them.

    Args:
        call: Calls an operation of the API.
        sleep: Waits some seconds.
    """

    def __init__(
        self, call: Callable[..., dict[str, Any]], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._call = call
        self._sleep = sleep

    def prepare(self, project: str, splits: Container[str]) -> None:
        """Makes a project unless there is one, and sees that it has room for these datasets.

        Raises:
            StackError: It has one of them.
            LookoutApiError: The name is none that a project may have.
        """
        try:
            described = self._call("DescribeProject", ProjectName=project)["ProjectDescription"]
        except LookoutApiError as error:
            if error.code != "ResourceNotFoundException":
                raise
            self._call("CreateProject", ProjectName=project, ClientToken=_token())
            return
        datasets = [one["DatasetType"] for one in described["Datasets"] if one["DatasetType"] in splits]
        if datasets:
            message = (
                f"project {project} has a {' and a '.join(datasets)} dataset already: "
                "delete it first (DeleteDataset), or choose another --project"
            )
            raise StackError(message)

    def create(self, project: str, split: str, bucket: str, key: str) -> dict[str, int]:
        """Makes a dataset from a manifest, and waits until it is there.

        Returns:
            Its `ImageStats`.

        Raises:
            StackError: It could not be made; the message has the reason, line by line.
        """
        source = {"GroundTruthManifest": {"S3Object": {"Bucket": bucket, "Key": key}}}
        place = {"ProjectName": project, "DatasetType": split}
        self._call("CreateDataset", **place, DatasetSource=source, ClientToken=_token())
        while True:
            told = self._call("DescribeDataset", **place)["DatasetDescription"]
            if told["Status"] == "CREATE_COMPLETE":
                return dict(told["ImageStats"])
            if told["Status"] != "CREATE_IN_PROGRESS":
                message = f"the {split} dataset of project {project} was not made: {told['StatusMessage']}"
                raise StackError(message)
            self._sleep(_LOOK_SECONDS)

    def train(self, project: str, bucket: str, prefix: str) -> str:
        """Begins to train a version on them.

        Args:
            project: Whose.
            bucket: Where the evaluation's files go, as `OutputConfig` says.
            prefix: Likewise.

        Returns:
            The version.
        """
        output = {"S3Location": {"Bucket": bucket, "Prefix": prefix}}
        made = self._call("CreateModel", ProjectName=project, OutputConfig=output, ClientToken=_token())
        return str(made["ModelMetadata"]["ModelVersion"])


def _token() -> str:
    return str(uuid.uuid4())
