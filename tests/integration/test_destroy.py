"""The end of a stack. It runs after all other tests of the embedded AWS: see conftest.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotcheck.stack import Stack

if TYPE_CHECKING:
    from support_deployed import Deployed


def test_destroy_refuses_while_there_is_data_and_obeys_delete_data(pipeline: Deployed) -> None:
    refused = pipeline.spotcheck("destroy", "--local", "--yes")
    assert refused.returncode == 1
    assert "data would be lost" in refused.stderr
    assert pipeline.client("s3").list_buckets()["Buckets"]

    done = pipeline.spotcheck("destroy", "--local", "--yes", "--delete-data")
    assert done.returncode == 0, done.stderr
    assert pipeline.client("s3").list_buckets()["Buckets"] == []
    assert pipeline.client("dynamodb").list_tables()["TableNames"] == []
    assert not Stack.local(pipeline.target.endpoint_url or "", state_dir=pipeline.state_dir).exists()
