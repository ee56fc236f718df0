"""`spotcheck lookout-env` writes what makes Lookout for Vision's client talk to a stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import botocore

from spotcheck.lookout_env import write_client

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_client_is_complete_and_signs_for_the_http_api(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert write_client(tmp_path)
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    make: Any = boto3.Session("test", "test", region_name="us-east-1").client
    client = make("lookoutvision")
    assert client.meta.service_model.signing_name == "execute-api"
    assert len(client.meta.service_model.operation_names) == 22
    assert client.can_paginate("list_dataset_entries")


def test_where_the_client_is_not_installed_only_the_signing_name_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(botocore, "__file__", str(tmp_path / "botocore" / "__init__.py"))
    assert not write_client(tmp_path / "data")
    (file,) = (tmp_path / "data").rglob("*.json")
    assert json.loads(file.read_text())["merge"]["metadata"]["signingName"] == "execute-api"
