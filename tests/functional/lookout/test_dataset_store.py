"""Whoever reads a dataset finds all of it, of one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support_datasets import stored

if TYPE_CHECKING:
    from support_datasets import Service

PLACE = ("cars", "train")


def document(entries: str | None, status: str = "CREATE_COMPLETE") -> dict[str, Any]:
    return {
        "identity": "one",
        "status": status,
        "message": "",
        "created_at": "2026-11-25T21:00:00.000Z",
        "updated_at": "2026-11-25T21:00:00.000Z",
        "images": {"total": 1, "labeled": 0, "normal": 0, "anomaly": 0, "masked": 0},
        "entries": entries,
    }


def key(run: str) -> str:
    return f"projects/cars/datasets/train/one/entries-{run}.jsonl"


def sources(service: Service) -> list[str]:
    return [str(entry.source) for entry in service.store.entries(*PLACE)]


def test_entries_come_back_as_they_were_given_in_their_order(service: Service) -> None:
    odd = '{"source-ref": "s3://bucket/\\u00e4 \u2028.png",\t"x": "\u00fc\u2028"}'
    given = [stored("b.png"), stored("a.png", odd)]
    service.store.put_entries(key("1"), given)
    assert service.store.write(*PLACE, document(key("1")), None)
    assert list(service.store.stored_entries(*PLACE)) == given
    assert [entry.text for entry in service.store.entries(*PLACE)] == [given[0].text, odd]


def test_where_there_is_no_dataset_there_are_no_entries(service: Service) -> None:
    assert service.store.get(*PLACE) is None
    assert sources(service) == []


def test_a_dataset_without_entries_has_none(service: Service) -> None:
    assert service.store.write(*PLACE, document(None), None)
    assert service.store.get(*PLACE) is not None
    assert sources(service) == []


def test_a_deleted_dataset_is_none_but_leaves_a_trace(service: Service) -> None:
    assert service.store.write(*PLACE, document(None, "DELETE_COMPLETE"), None)
    assert service.store.get(*PLACE) is None
    assert service.store.all("cars") == []
    assert service.store.look(*PLACE) is not None


def test_who_reads_while_an_update_ends_reads_the_new_entries(service: Service) -> None:
    service.store.put_entries(key("1"), [stored("old.png")])
    assert service.store.write(*PLACE, document(key("1")), None)

    def update_ends(params: dict[str, Any], **_: object) -> None:
        if params["url_path"].endswith("entries-1.jsonl") and service.store.get(*PLACE) == read:
            service.store.put_entries(key("2"), [stored("new.png")])
            assert service.store.write(*PLACE, document(key("2")), read)
            service.store.delete_file(key("1"))

    read = service.store.get(*PLACE)
    service.s3.meta.events.register("before-call.s3.GetObject", update_ends)
    assert sources(service) == [stored("new.png").source]


def test_entries_that_are_gone_without_an_update_are_a_fault(service: Service) -> None:
    assert service.store.write(*PLACE, document(key("1")), None)
    with pytest.raises(ClientError, match="NoSuchKey"):
        sources(service)


def test_a_write_whose_answer_was_lost_counts_as_written_when_it_is_tried_again(service: Service) -> None:
    assert service.store.write(*PLACE, document(None), None)
    read = service.store.get(*PLACE)
    for _ in range(2):
        assert service.store.write(*PLACE, document(key("2")), read)


def test_nobody_writes_over_a_change_that_he_has_not_seen(service: Service) -> None:
    assert service.store.write(*PLACE, document(None), None)
    assert not service.store.write(*PLACE, document(key("2")), None)
    read = service.store.get(*PLACE)
    assert service.store.write(*PLACE, document(None, "UPDATE_IN_PROGRESS"), read)
    assert not service.store.write(*PLACE, document(None), read)
    now = service.store.get(*PLACE)
    assert now is not None
    assert now.status == "UPDATE_IN_PROGRESS"
