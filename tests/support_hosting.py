"""Hosting on moto's S3: operations, jobs, a Lambda that keeps what it is told, and a clock."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from support_delivery import MODELS, Stack

from chalicelib.documents import Documents
from chalicelib.exceptions import ModelInvalidError
from chalicelib.lookout.api.concurrency import Concurrency
from chalicelib.lookout.api.dataset_store import DatasetStore
from chalicelib.lookout.api.hosting import HostingOperations
from chalicelib.lookout.api.hosting_book import HostingBook
from chalicelib.lookout.api.hosting_jobs import HostingJobs
from chalicelib.lookout.api.hosting_state import HostedModels, HostingState
from chalicelib.lookout.api.jobs import Deadline, JobRunner, Jobs
from chalicelib.lookout.api.model_store import ModelStore, Published
from chalicelib.lookout.api.names import Names
from chalicelib.lookout.api.projects import Projects
from chalicelib.lookout.api.warmth import HostedFunctions, Warmth
from chalicelib.registry import ModelRegistry
from chalicelib.release import Release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.records import Record

PROJECT = "Cells"
DETECTION, IMAGES, FRAMES = "s-detect_anomalies", "s-detect_image", "s-detect_frame"
_NOT_CONFIGURED = "ProvisionedConcurrencyConfigNotFoundException"
_NO_ROOM = ("InvalidParameterValueException", "below its minimum value of [10]")
FUNCTIONS = (DETECTION, IMAGES, FRAMES)


def client_error(code: str, message: str = "") -> ClientError:
    """An error as boto3 raises it."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


@dataclass
class FakeLambda:
    """Keeps both concurrency settings of functions as Lambda does, and what was invoked.

    Attributes:
        room: Environments that the account can keep warm; more are refused.
        status: What becomes of those.
        faults: Raised by the next calls, in turn.
    """

    room: int = 900
    status: str = "READY"
    faults: list[ClientError] = field(default_factory=list)
    warm: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    invoked: list[dict[str, Any]] = field(default_factory=list)

    def get_provisioned_concurrency_config(self, FunctionName: str, Qualifier: str) -> dict[str, Any]:  # noqa: N803
        """As boto3's."""
        assert Qualifier == "live"
        if FunctionName not in self.warm:
            raise client_error(_NOT_CONFIGURED)
        wanted = self.warm[FunctionName]
        return {
            "Status": self.status,
            "StatusReason": "no room",
            "RequestedProvisionedConcurrentExecutions": wanted,
        }

    def put_provisioned_concurrency_config(
        self,
        FunctionName: str,  # noqa: N803
        Qualifier: str,  # noqa: N803
        ProvisionedConcurrentExecutions: int,  # noqa: N803
    ) -> None:
        """As boto3's."""
        self._stumble()
        assert Qualifier == "live"
        others = sum(count for name, count in self.warm.items() if name != FunctionName)
        if others + ProvisionedConcurrentExecutions > self.room:
            raise client_error(*_NO_ROOM)
        assert ProvisionedConcurrentExecutions <= self.most.get(FunctionName, 10**6), "more than reserved"
        self.warm[FunctionName] = ProvisionedConcurrentExecutions

    def delete_provisioned_concurrency_config(self, FunctionName: str, Qualifier: str) -> None:  # noqa: N803
        """As boto3's."""
        self._stumble()
        assert Qualifier == "live"
        self.warm.pop(FunctionName, None)

    def get_function_concurrency(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        """As boto3's."""
        found = self.most.get(FunctionName)
        return {} if found is None else {"ReservedConcurrentExecutions": found}

    def put_function_concurrency(self, FunctionName: str, ReservedConcurrentExecutions: int) -> None:  # noqa: N803
        """As boto3's."""
        if sum(self.most.values()) + ReservedConcurrentExecutions > self.room:
            raise client_error(*_NO_ROOM)
        assert ReservedConcurrentExecutions >= self.warm.get(FunctionName, 0), "less than provisioned"
        self.most[FunctionName] = ReservedConcurrentExecutions

    def delete_function_concurrency(self, FunctionName: str) -> None:  # noqa: N803
        """As boto3's."""
        self.most.pop(FunctionName, None)

    def invoke(self, FunctionName: str, Qualifier: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803
        """As boto3's."""
        assert (FunctionName, Qualifier, InvocationType) == ("s-run_job", "live", "Event")
        self.invoked.append(json.loads(Payload))

    def _stumble(self) -> None:
        if self.faults:
            raise self.faults.pop(0)


class FakeTable:
    """Uploads that wait."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def waiting(self) -> Iterator[Record]:
        """All of them."""
        return iter(list(self.records))


class Hosts:
    """Everything that hosting needs, around one models bucket."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.functions = FakeLambda()
        self.table = FakeTable()
        self.released: list[tuple[str, dict[str, Any]]] = []
        self.on_release = self.released.append
        self.pin: str | None = None
        self.now = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
        self.seconds = 0.0
        self.documents = Documents(stack.s3, MODELS)
        self.book = HostingBook(self.documents)
        names = Names("aws", "us-east-1", "123456789012")
        projects = Projects(self.documents, names, DatasetStore(stack.s3, MODELS))
        self.state = HostingState(self.book, self.registry)
        self.models = ModelStore(self.documents, names, [Published(self.documents), self.state])
        client: Any = self.functions
        self.queue = Jobs(client, "s-run_job", "")
        self.operations = HostingOperations(
            projects, self.models, self.book, self.queue, lambda _: self.pin, lambda: self.now
        )
        self.hosted = HostedModels(projects, self.models, self.state, lambda: self.seconds)
        self.deadline = Deadline(lambda: self.seconds)
        warmth = Warmth(
            self.book, Concurrency(client), HostedFunctions(DETECTION, (IMAGES, FRAMES), PROJECT), self.sleep
        )
        self.jobs = HostingJobs(
            book=self.book,
            registry=self.registry,
            check=_check,
            warmth=warmth,
            release=self.release,
            jobs=self.queue,
            deadline=self.deadline,
            project=PROJECT,
        )
        self.runner = JobRunner({"start_model": self.jobs.start, "stop_model": self.jobs.stop}, self.deadline)

    def registry(self, project: str = PROJECT) -> ModelRegistry:
        """A project's registry, as another environment sees it."""
        return ModelRegistry(self.stack.s3, MODELS, project)

    def publish(self, project: str = PROJECT, *, current: bool = True, model: bytes = b"model") -> str:
        """A new version; without `current` nothing judges in the project afterwards."""
        version = self.registry(project).publish(model, {}).version
        if not current:
            self.registry(project).point_at_none(version)
        return version

    def start(self, version: str = "1", project: str = PROJECT, **units: Any) -> str:
        """StartModel's answer."""
        given = {"ProjectName": project, "ModelVersion": version, "MinInferenceUnits": 1, **units}
        return str(self.operations.start(given)["Status"])

    def stop(self, version: str = "1", project: str = PROJECT, **more: Any) -> str:
        """StopModel's answer."""
        given = {"ProjectName": project, "ModelVersion": version, **more}
        return str(self.operations.stop(given)["Status"])

    def work(self, seconds: float = 900.0) -> None:
        """Does every job that was started, in order."""
        while self.functions.invoked:
            self.runner.run(self.functions.invoked.pop(0), seconds)

    def status(self, version: str = "1", project: str = PROJECT) -> str:
        """DescribeModel's."""
        return self.models.get(project, version).status

    def message(self, version: str = "1", project: str = PROJECT) -> str:
        """DescribeModel's."""
        return str(self.models.get(project, version).details["StatusMessage"])

    def current(self, project: str = PROJECT) -> str | None:
        """What the project's uploads are judged with."""
        return self.registry(project).pointed_at()

    def sleep(self, seconds: float) -> None:
        """Time goes by."""
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)

    def judge_at_once(self, one: tuple[str, dict[str, Any]]) -> None:
        """Writes down what was released, which is the first that waits, and waits no more."""
        self.released.append(one)
        del self.table.records[0]

    def release(self) -> Release:
        """Releases by writing down."""

        def invoke(handler: str, event: dict[str, Any]) -> None:
            self.on_release((handler, event))

        return Release(self.table, invoke, rate=20.0, clock=lambda: self.seconds, sleep=self.sleep)


def _check(model: bytes) -> None:
    if model == b"damaged":
        message = "The file is no ONNX model that onnxruntime can load."
        raise ModelInvalidError(message)
