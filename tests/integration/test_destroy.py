"""The end of a stack. It runs after all other tests of the embedded AWS: see conftest.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support_deployed import GRANTED_BUCKET

from spotcheck.stack import Stack

if TYPE_CHECKING:
    from support_deployed import Deployed


def buckets(deployed: Deployed) -> set[str]:
    return {str(bucket["Name"]) for bucket in deployed.client("s3").list_buckets()["Buckets"]}


def tables(deployed: Deployed) -> set[str]:
    return set(deployed.client("dynamodb").list_tables()["TableNames"])


def test_destroy_refuses_while_there_is_data_and_takes_only_its_own(pipeline: Deployed) -> None:
    own = {pipeline.outputs[f"{what}_bucket"] for what in ("videos", "images", "results", "models")}
    others = buckets(pipeline) - own
    if GRANTED_BUCKET not in others:  # where other tests have not made it: a bucket of the user's
        pipeline.client("s3").create_bucket(Bucket=GRANTED_BUCKET)
        others |= {GRANTED_BUCKET}
    other_tables = tables(pipeline) - {pipeline.outputs["results_table"]}
    refused = pipeline.spotcheck("destroy", "--local", "--yes")
    assert refused.returncode == 1
    assert "data would be lost" in refused.stderr
    assert buckets(pipeline) == own | others

    done = pipeline.spotcheck("destroy", "--local", "--yes", "--delete-data")
    assert done.returncode == 0, done.stderr
    assert buckets(pipeline) == others
    assert tables(pipeline) == other_tables
    assert not Stack.local(pipeline.target.endpoint_url or "", state_dir=pipeline.state_dir).exists()
