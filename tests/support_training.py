"""The API's trainings on moto: datasets of small pictures in S3, trained when a test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from support_datasets import GRANTED, MODELS, NAMES
from support_lookout import label, line, manifest_bytes, mask, mask_png
from support_pictures import png_bytes, scratched, texture

from chalicelib.documents import Documents
from chalicelib.lookout.api.hosting_book import Hosting, HostingBook, HostingStatus
from chalicelib.lookout.api.hosting_state import HostingState
from chalicelib.lookout.api.jobs import JobRunner
from chalicelib.lookout.api.model_store import ModelStore, Published
from chalicelib.lookout.api.models import ModelOperations
from chalicelib.lookout.api.packaging import PackagingOperations
from chalicelib.lookout.api.packaging_jobs import ModelPackaging
from chalicelib.lookout.api.tags import Tags
from chalicelib.lookout.api.training import ModelRemoval, TrainingOperations
from chalicelib.lookout.packaging.archive import model_archive
from chalicelib.lookout.training.book import TrainingBook
from chalicelib.lookout.training.entries import TrainingEntries
from chalicelib.lookout.training.pictures import PictureSource
from chalicelib.lookout.training.trainer import CloudTrainer
from chalicelib.pictures import PictureLimits
from chalicelib.registry import ModelRegistry
from chalicelib.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support_datasets import Service

OUTPUT = {"S3Location": {"Bucket": GRANTED, "Prefix": "evaluation/"}}
MOST = 40
SIDE = 96


class Training:
    """What a test of trainings works with: project `cars`."""

    def __init__(self, service: Service) -> None:
        self.service, self.s3 = service, service.s3
        self.documents = Documents(self.s3, MODELS)
        self.book = TrainingBook(self.documents)
        self.models = ModelStore(
            self.documents,
            NAMES,
            [
                Published(self.documents),
                self.book,
                HostingState(HostingBook(self.documents), self.registry),
            ],
        )
        self.jobs: Any = cast("Any", service.jobs)
        self.trained: list[tuple[str, str]] = []
        self.forgotten: list[tuple[str, str]] = []
        self.jobs.train = lambda *version: self.trained.append(version)
        self.operations = TrainingOperations(
            service.projects,
            self.models,
            self.book,
            service.store,
            self.documents,
            self.registry,
            self.jobs,
            service.buckets,
            MOST,
            service.now,
        )
        self.packaging = PackagingOperations(
            service.projects,
            self.models,
            self.documents,
            self.jobs,
            service.buckets,
            service.now,
        )
        self.tags = Tags(self.documents, self.models, NAMES)
        self.trainer = CloudTrainer(
            self.s3,
            self.book,
            TrainingEntries(service.store),
            PictureSource(self.s3, PictureLimits(), service.buckets.refusal),
            self.registry,
            NAMES,
            Telemetry(),
        )
        self.runner = JobRunner(
            {
                "delete_model": ModelRemoval(self.documents, self.book, self.forget).run,
                "package_model": ModelPackaging(self.s3, self.documents, self.registry, model_archive).run,
            }
        )

    def registry(self, project: str) -> ModelRegistry:
        return ModelRegistry(self.s3, MODELS, project)

    def forget(self, project: str, version: str) -> None:
        """Has a version's hosting forgotten, which test_hosting.py does for real."""
        self.forgotten.append((project, version))

    def hosting(self, status: HostingStatus, version: str = "1") -> None:
        """Has a version's hosting be in a state, as a job left it."""
        HostingBook(self.documents).write("cars", version, Hosting(status, "run", 2, None, "why"), None)

    def dataset(
        self,
        normals: int = 12,
        anomalies: int = 0,
        kind: str = "train",
        *,
        start: int = 0,
        masks: bool = False,
        more: Sequence[dict[str, Any]] = (),
    ) -> None:
        """A dataset of pictures that are in S3."""
        lines = [
            line(self.put(f"{kind}-{seed:03}.png", texture_png(seed)), label("normal"))
            for seed in range(start, start + normals)
        ]
        for seed in range(start, start + anomalies):
            uri = self.put(f"{kind}-bad-{seed:03}.png", png_bytes(scratched(texture(500 + seed, SIDE, SIDE))))
            told = [label("anomaly")]
            if masks:
                told.append(mask(self.put(f"{kind}-bad-{seed:03}-mask.png", mask_png(("#2ca02c", 52, 14)))))
            lines.append(line(uri, *told))
        self.service.create(manifest_bytes([*lines, *more]), kind)
        self.service.run()
        assert self.service.describe(kind)["Status"] == "CREATE_COMPLETE", self.service.describe(kind)

    def put(self, name: str, content: bytes) -> str:
        key = f"exports/cars/{name}"
        self.s3.put_object(Bucket=GRANTED, Key=key, Body=content)
        return f"s3://{GRANTED}/{key}"

    def create(self, **more: Any) -> str:
        """Calls CreateModel; gives the version."""
        answer = self.operations.create({"ProjectName": "cars", "OutputConfig": OUTPUT, **more})
        return str(answer["ModelMetadata"]["ModelVersion"])

    def train(self, version: str = "1", request: str = "request", **more: Any) -> None:
        """What Lambda does with the event."""
        self.trainer.run("cars", version, request, **more)

    def run_jobs(self) -> None:
        """Does every job that was started, once."""
        while self.jobs.started:
            self.runner.run(self.jobs.started.pop(0))

    def describe(self, version: str = "1") -> dict[str, Any]:
        """What DescribeModel tells."""
        models = ModelOperations(self.service.projects, self.models)
        return dict(models.describe({"ProjectName": "cars", "ModelVersion": version})["ModelDescription"])

    def output(self, name: str) -> bytes:
        return self.s3.get_object(Bucket=GRANTED, Key=f"evaluation/{name}")["Body"].read()


def texture_png(seed: int) -> bytes:
    """A normal picture."""
    return png_bytes(texture(seed, SIDE, SIDE))
