"""The pipeline on moto: buckets and table as Terraform makes them, uploads, deliveries, what they left."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
import numpy as np

from chalicelib.anomalies import UNNAMED, FoundKind, Region
from chalicelib.day_totals import DayTotals
from chalicelib.detector import Detection
from chalicelib.documents import Documents
from chalicelib.events import ObjectVersion, s3_event
from chalicelib.exceptions import ModelNotFoundError
from chalicelib.judging import Judge
from chalicelib.objects import ObjectReader
from chalicelib.pictures import PictureLimits
from chalicelib.records import Record
from chalicelib.result_objects import ResultsBucket
from chalicelib.results import ResultsTable
from chalicelib.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource
    from mypy_boto3_s3 import S3Client

    from chalicelib.detector import Detector
    from chalicelib.models import Models
    from chalicelib.pictures import Picture

IMAGES = "spotcheck-images-123456789012-us-east-1"
VIDEOS = "spotcheck-videos-123456789012-us-east-1"
RESULTS = "spotcheck-results-123456789012-us-east-1"
MODELS = "spotcheck-models-123456789012-us-east-1"
UNVERSIONED = "unversioned"
TABLE = "lookout_for_vision_summary"
SHARDS = 4

_TABLE_TF = Path(__file__).resolve().parents[1] / "terraform" / "table.tf"
_WRITES = ("s3.PutObject", "dynamodb.PutItem", "dynamodb.UpdateItem")


class Killed(BaseException):
    """The function died: no `except Exception` of ours sees it."""


class FixedDetector:
    """Says the same of every picture."""

    def __init__(self, *, anomalous: bool) -> None:
        heat = np.zeros((4, 4), np.float32)
        heat[0, 0] = 20.0 if anomalous else 1.0
        region = Region(left=0.0, top=0.0, width=0.25, height=0.25, area=0.0625, severity=2.0)
        self.min_decoded_side = 64
        self._detection = Detection(
            score=20.0 if anomalous else 1.0,
            threshold=10.0,
            probability=0.9 if anomalous else 0.2,
            is_anomalous=anomalous,
            confidence=0.9 if anomalous else 0.8,
            heat_map=heat,
            regions=(region,) if anomalous else (),
            area=0.0625 if anomalous else 0,
            kinds=(FoundKind(UNNAMED.name, 0.0625, UNNAMED.color),) if anomalous else (),
            kind_map=(heat > 10).astype(np.uint8),
            model_kinds=(UNNAMED,),
        )

    def detect(self, _: Picture) -> Detection:
        """The same verdict as ever."""
        return self._detection


class FixedModels:
    """A model that is simply there, or is not."""

    def __init__(self, version: str | None = "1", detector: Any = None) -> None:
        self.version = version
        self.detector = detector or FixedDetector(anomalous=True)

    def current(self) -> tuple[str, Detector]:
        """The version and its detector."""
        if self.version is None:
            message = "No model is published."
            raise ModelNotFoundError(message)
        return self.version, cast("Detector", self.detector)


class Stack:
    """Buckets and table, and clients that can be made to fail.

    Attributes:
        s3: What the judges of `judge()` use, and the test too.
        dynamodb: Likewise.
    """

    def __init__(self) -> None:
        self.s3: S3Client = boto3.client("s3")
        self.dynamodb: DynamoDBServiceResource = boto3.resource("dynamodb")
        for bucket in (IMAGES, VIDEOS, RESULTS, MODELS, UNVERSIONED):
            self.s3.create_bucket(Bucket=bucket)
            if bucket != UNVERSIONED:
                self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        make_table(self.dynamodb)
        self._sequence = count(0x0055AED6DCD90281E5)
        self._start = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
        self._seconds = count()

    def now(self) -> datetime:
        """A clock that goes on by a second whenever it is looked at."""
        return self._start + timedelta(seconds=next(self._seconds))

    def upload(
        self,
        key: str = "image_inputs/cell.png",
        content: bytes = b"",
        *,
        bucket: str = IMAGES,
        metadata: dict[str, str] | None = None,
    ) -> ObjectVersion:
        """Puts an object; gives the version as its event will name it."""
        answer = self.s3.put_object(Bucket=bucket, Key=key, Body=content, Metadata=metadata or {})
        return ObjectVersion(
            bucket=bucket,
            key=key,
            version_id=answer.get("VersionId"),
            etag=answer["ETag"].strip('"'),
            sequencer=f"{next(self._sequence):018X}",
            size=len(content),
            uploaded_at="2026-11-22T09:29:59.000Z",
        )

    def judge(self, models: Any = None, **changes: Any) -> Judge:
        """A judge with a model of its own, and its own connection to AWS if `s3` and `dynamodb` say so."""
        s3, dynamodb = changes.pop("s3", self.s3), changes.pop("dynamodb", self.dynamodb)
        parts: dict[str, Any] = {
            "objects": ObjectReader(s3),
            "models": cast("Models", models or FixedModels()),
            "bucket": ResultsBucket(s3, RESULTS),
            "table": ResultsTable(dynamodb, TABLE, shards=SHARDS),
            "totals": DayTotals(Documents(s3, RESULTS)),
            "telemetry": Telemetry(),
            "project": "cells",
            "limits": PictureLimits(),
            "now": self.now,
        }
        return Judge(**(parts | changes))

    def rival(self, models: Any = None) -> Judge:
        """A judge in another execution environment: it shares the stack, not the clients."""
        return self.judge(models, s3=boto3.client("s3"), dynamodb=boto3.resource("dynamodb"))

    @property
    def table(self) -> ResultsTable:
        """The table as readers see it."""
        return ResultsTable(self.dynamodb, TABLE, shards=SHARDS)

    def items(self) -> list[dict[str, Any]]:
        """Every item of the table, by request id."""
        items = self.dynamodb.Table(TABLE).scan()["Items"]
        return sorted(items, key=lambda item: str(item["RequestID"]))

    def objects(self) -> dict[str, tuple[bytes, Any, str]]:
        """Every result object: key → content, when it was last written, ETag."""
        listed = self.s3.list_objects_v2(Bucket=RESULTS).get("Contents", [])
        return {
            found["Key"]: (self.read(found["Key"]), found["LastModified"], found["ETag"]) for found in listed
        }

    def writes_of(self, key: str) -> int:
        """How often a result object was written."""
        versions = self.s3.list_object_versions(Bucket=RESULTS, Prefix=key).get("Versions", [])
        return sum(version["Key"] == key for version in versions)

    def read(self, key: str) -> bytes:
        """Content of a result object."""
        return self.s3.get_object(Bucket=RESULTS, Key=key)["Body"].read()

    def result(self, key: str) -> dict[str, Any]:
        """A result object, parsed."""
        return cast("dict[str, Any]", json.loads(self.read(key)))

    def forget_results(self) -> None:
        """Empties table and results bucket."""
        for item in self.items():
            self.dynamodb.Table(TABLE).delete_item(Key={"RequestID": item["RequestID"]})
        for key in self.objects():
            self.s3.delete_object(Bucket=RESULTS, Key=key)

    def state(self) -> tuple[list[Any], dict[str, Any]]:
        """Table and results bucket, without the times that differ from run to run."""
        timeless = [replace(Record.from_item(item), date="", timings_ms={}) for item in self.items()]
        objects = {
            key: _timeless(json.loads(content)) if key.endswith(".json") else content
            for key, (content, _, _) in self.objects().items()
        }
        return timeless, objects

    @contextmanager
    def at_write(self, number: int, do: Callable[[], None], *, after: bool = False) -> Iterator[list[str]]:
        """Does something when the n-th write is due (or has just been made), counted from 1; 0 is never.

        Yields:
            The writes, as they come.
        """
        seen: list[str] = []

        def look(model: Any, **_: Any) -> None:
            seen.append(str(model.name))
            if len(seen) == number:
                do()

        with self._hooked(look, "after-call" if after else "before-call"):
            yield seen

    @contextmanager
    def _hooked(self, look: Callable[..., None], moment: str) -> Iterator[None]:
        clients = (self.s3, self.dynamodb.meta.client)
        for client in clients:
            for write in _WRITES:
                client.meta.events.register(f"{moment}.{write}", look)
        try:
            yield
        finally:
            for client in clients:
                for write in _WRITES:
                    client.meta.events.unregister(f"{moment}.{write}", look)


def deliver(judge: Judge, *versions: ObjectVersion) -> list[Record]:
    """Hands versions to a judge in one event, as S3 would."""
    records = [record for version in versions for record in s3_event(version)["Records"]]
    return judge.handle({"Records": records})


def killed() -> None:
    """Dies."""
    raise Killed


def make_table(dynamodb: DynamoDBServiceResource, name: str = TABLE) -> None:
    """The results table, its keys and indexes read from terraform/table.tf."""
    text = _TABLE_TF.read_text()
    attributes = re.findall(r'^ +(\w+) += "([SN])"$', text, re.MULTILINE)
    indexes = re.findall(r'"([\w-]+)" += \{ hash_key = "(\w+)", range_key = "(\w+)" \}', text)
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "RequestID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in attributes],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": hash_key, "KeyType": "HASH"},
                    {"AttributeName": range_key, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, hash_key, range_key in indexes
        ],
    )


def _timeless(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"Spotcheck": body["Spotcheck"] | {"date": "", "timings_ms": {}}}
