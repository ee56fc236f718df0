"""Work that outlasts a request is started behind the alias `live`, and done by its name."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from chalicelib.lookout.api.errors import ThrottlingException
from chalicelib.lookout.api.jobs import JobRunner, Jobs
from spotcheck.dead_letters import DeadLetter


class Lambda:
    """Keeps what was invoked."""

    def __init__(self) -> None:
        self.invoked: list[dict[str, Any]] = []
        self.refusal: ClientError | None = None

    def invoke(self, **request: Any) -> None:
        if self.refusal:
            raise self.refusal
        self.invoked.append(request)


@pytest.fixture
def functions() -> Lambda:
    return Lambda()


@pytest.fixture
def jobs(functions: Lambda) -> Jobs:
    return Jobs(cast("Any", functions), "stack-run_job", "stack-train_model")


def test_a_job_is_started_without_waiting_for_it(jobs: Jobs, functions: Lambda) -> None:
    jobs.start("delete_dataset", project="cars", dataset_type="train")
    (request,) = functions.invoked
    payload = json.loads(request.pop("Payload"))
    assert request == {"FunctionName": "stack-run_job", "Qualifier": "live", "InvocationType": "Event"}
    assert payload == {"job": "delete_dataset", "project": "cars", "dataset_type": "train"}


def test_training_has_a_function_of_its_own(jobs: Jobs, functions: Lambda) -> None:
    jobs.train("cars", "3")
    (request,) = functions.invoked
    assert request["FunctionName"] == "stack-train_model"
    assert json.loads(request["Payload"]) == {"project": "cars", "version": "3"}


@pytest.mark.parametrize(
    ("code", "raised"), [("TooManyRequestsException", ThrottlingException), ("ServiceException", ClientError)]
)
def test_where_lambda_takes_no_more_events_the_caller_is_told_to_come_again(
    jobs: Jobs, functions: Lambda, code: str, raised: type[Exception]
) -> None:
    functions.refusal = ClientError({"Error": {"Code": code, "Message": ""}}, "Invoke")
    with pytest.raises(raised):
        jobs.start("count")


def test_what_was_started_is_done_by_its_name(jobs: Jobs, functions: Lambda) -> None:
    done: list[dict[str, str]] = []
    runner = JobRunner({"count": lambda **payload: done.append(payload)})
    jobs.start("count", of="cars")
    runner.run(json.loads(functions.invoked[0]["Payload"]))
    assert done == [{"of": "cars"}]


def test_a_job_that_is_replayed_is_done_as_at_first() -> None:
    done: list[dict[str, str]] = []
    runner = JobRunner({"count": lambda **payload: done.append(payload)})
    letter = DeadLetter("run_job", {"job": "count", "of": "cars"}, tries=0, error="")
    runner.run(json.loads(letter.payload))
    assert done == [{"of": "cars"}]


def test_a_job_that_nobody_knows_is_a_fault() -> None:
    with pytest.raises(KeyError, match="fly"):
        JobRunner({}).run({"job": "fly"})
