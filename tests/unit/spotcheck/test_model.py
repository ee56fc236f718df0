"""`spotcheck model`: which version is meant, and waiting for what comes of a request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from spotcheck.exceptions import LookoutApiError, ModelStateError
from spotcheck.model import Models


def described(version: str, status: str, message: str = "") -> dict[str, Any]:
    return {
        "ModelVersion": version,
        "Status": status,
        "StatusMessage": message,
        "CreationTimestamp": datetime(2026, 11, 22, tzinfo=UTC),
    }


class FakeApi:
    """Says of each version what it was told to say, in turn; the last for ever. None is gone."""

    def __init__(self, **versions: list[dict[str, Any] | None]) -> None:
        self.versions = versions
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.now = 0.0

    def __call__(self, operation: str, **given: Any) -> dict[str, Any]:
        self.calls.append((operation, given))
        if operation == "ListModels":  # one to a page
            names = list(self.versions)
            place = names.index(given["NextToken"]) if "NextToken" in given else 0
            more = {"NextToken": names[place + 1]} if place + 1 < len(names) else {}
            return {"Models": [self.versions[names[place]][0]] if names else [], **more}
        if operation == "DescribeModel":
            states = self.versions[f"v{given['ModelVersion']}"]
            found = states.pop(0) if len(states) > 1 else states[0]
            if found is None:
                code = "ResourceNotFoundException"
                raise LookoutApiError(code, "gone")
            return {"ModelDescription": found}
        return {}

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def models(self) -> Models:
        return Models(self, "Cells", lambda: self.now, self.sleep)


def test_every_page_is_listed() -> None:
    api = FakeApi(v2=[described("2", "HOSTED")], v1=[described("1", "TRAINED")])
    assert [one["ModelVersion"] for one in api.models().all()] == ["2", "1"]


def test_the_one_that_is_hosted_is_stopped() -> None:
    api = FakeApi(v2=[described("2", "TRAINED")], v1=[described("1", "HOSTED")])
    assert api.models().hosted() == "1"


@pytest.mark.parametrize(
    ("statuses", "said"), [(("TRAINED", "TRAINED"), "no version is"), (("HOSTED", "HOSTED"), "versions 2, 1")]
)
def test_which_one_has_to_be_said_when_it_is_not_clear(statuses: tuple[str, str], said: str) -> None:
    api = FakeApi(v2=[described("2", statuses[0])], v1=[described("1", statuses[1])])
    with pytest.raises(ModelStateError, match=said):
        api.models().hosted()


def test_a_request_has_a_token_and_no_bound_that_was_not_given() -> None:
    api = FakeApi(v1=[described("1", "TRAINED")])
    api.models().start("1", 2, None)
    [(operation, given)] = api.calls
    assert operation == "StartModel"
    assert given.pop("ClientToken")
    assert given == {"ProjectName": "Cells", "ModelVersion": "1", "MinInferenceUnits": 2}


def test_waiting_ends_with_the_state_and_shows_the_way_there() -> None:
    api = FakeApi(v1=[described("1", "STARTING_HOSTING", "Preparing."), described("1", "HOSTED", "Done.")])
    seen: list[tuple[str, str]] = []
    found = api.models().until("1", "HOSTED", 60, lambda *told: seen.append(told))
    assert found["Status"] == "HOSTED"
    assert seen == [("STARTING_HOSTING", "Preparing."), ("HOSTED", "Done.")]


def test_waiting_ends_when_it_comes_to_something_else() -> None:
    api = FakeApi(v1=[described("1", "STARTING_HOSTING"), described("1", "HOSTING_FAILED", "It is damaged.")])
    with pytest.raises(ModelStateError, match="version 1 is HOSTING_FAILED: It is damaged"):
        api.models().until("1", "HOSTED", 60)


def test_waiting_ends_when_the_time_is_up() -> None:
    api = FakeApi(v1=[described("1", "STARTING_HOSTING", "Preparing.")])
    with pytest.raises(ModelStateError, match="STARTING_HOSTING still after 60 s"):
        api.models().until("1", "HOSTED", 60)


def test_what_is_gone_is_deleted() -> None:
    api = FakeApi(v1=[described("1", "HOSTING_FAILED"), described("1", "DELETING"), None])
    assert api.models().until("1", "deleted", 60) == {}


def test_what_is_gone_is_not_hosted() -> None:
    api = FakeApi(v1=[None])
    with pytest.raises(LookoutApiError, match="gone"):
        api.models().until("1", "HOSTED", 60)
