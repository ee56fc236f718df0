"""Lines come into a dataset: all of them are taken, or none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support_lookout import COLOURS, label, line, manifest_bytes, mask

from chalicelib.exceptions import DatasetLimitError, ManifestError
from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
from chalicelib.lookout.api.dataset_entries import StoredEntry, split_lines
from chalicelib.lookout.api.dataset_import import MOST_IMAGES, MOST_IMAGES_WITH_MASKS, take_in
from chalicelib.lookout.entries import MAX_LINE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from chalicelib.lookout.api.dataset_records import DatasetType

BUCKETS = DatasetBuckets("images", frozenset({"my-bucket"}))
OLD, NEW = "2026-11-25T20:00:00.000Z", "2026-11-25T21:00:00.000Z"


def taken(
    *lines: dict[str, Any],
    present: Iterable[StoredEntry] = (),
    kind: DatasetType = "train",
    at: str = NEW,
    elsewhere: Collection[str] = (),
) -> list[StoredEntry]:
    return take_in(manifest_bytes(lines).split(b"\n"), present, kind, BUCKETS, at, elsewhere)


def picture(name: str, *attributes: dict[str, Any], bucket: str = "my-bucket") -> dict[str, Any]:
    return line(f"s3://{bucket}/{name}.png", *attributes)


def problems(*lines: dict[str, Any], **options: Any) -> list[str]:
    with pytest.raises(ManifestError) as error:
        taken(*lines, **options)
    return [str(problem) for problem in error.value.problems]


def names(entries: list[StoredEntry]) -> list[str]:
    return [entry.source.rpartition("/")[2].removesuffix(".png") for entry in entries]


def test_new_pictures_come_last_and_lines_of_the_same_picture_keep_their_place_and_date() -> None:
    first = taken(picture("a"), picture("b", label("normal")), at=OLD)
    second = taken(picture("c"), picture("a", label("anomaly")), present=first)
    assert names(second) == ["a", "b", "c"]
    assert [entry.label for entry in second] == ["anomaly", "normal", None]
    assert [entry.created_at for entry in second] == [OLD, OLD, NEW]


def test_a_later_line_of_a_manifest_replaces_an_earlier_one() -> None:
    (entry,) = taken(picture("a", label("normal")), picture("a", label("anomaly")))
    assert entry.label == "anomaly"


def test_what_was_there_decides_in_which_bucket_pictures_lie() -> None:
    first = taken(picture("a"))
    (told,) = problems(picture("datasets/b", bucket="images"), present=first)
    assert told.startswith("line 1: the picture is in bucket images, those before it are in my-bucket: keep")


def test_a_bucket_that_is_not_open_is_told_of_once() -> None:
    told = problems(*[picture(name, bucket="payroll") for name in "abc"])
    assert len(told) == 1
    assert told[0].startswith("line 1: bucket payroll is not open to datasets: add its ARN to the Terraform")


def test_masks_may_lie_in_another_bucket_that_is_open() -> None:
    (entry,) = taken(picture("a", label("anomaly"), mask("s3://images/datasets/m.png")))
    assert entry.kinds == ("scratch", "dent")
    assert (
        "lies outside s3://images/datasets/"
        in problems(picture("a", label("anomaly"), mask("s3://images/image_inputs/m.png")))[0]
    )


def test_only_so_many_problems_are_looked_for() -> None:
    assert len(problems(*[{"no": "source"} for _ in range(2000)])) == 1000


@pytest.mark.parametrize(("kind", "which"), [("train", "training"), ("test", "test")])
def test_a_dataset_has_as_many_pictures_as_the_service_allowed(kind: DatasetType, which: str) -> None:
    present = [stored(str(number)) for number in range(MOST_IMAGES[kind] - 1)]
    assert len(taken(picture("last"), present=present, kind=kind)) == MOST_IMAGES[kind]
    with pytest.raises(DatasetLimitError, match=f"A {which} dataset may have {MOST_IMAGES[kind]:,} images"):
        taken(picture("last"), picture("one more"), present=present, kind=kind)


@pytest.mark.parametrize("kind", ["train", "test"])
def test_with_masks_a_dataset_has_fewer(kind: DatasetType) -> None:
    present = [stored(str(number)) for number in range(MOST_IMAGES_WITH_MASKS[kind])]
    drawn = mask("s3://my-bucket/m.png")
    with pytest.raises(DatasetLimitError, match="dataset with masks may have"):
        taken(picture("last", label("anomaly"), drawn), present=present, kind=kind)
    replaced = taken(picture("0", label("anomaly"), drawn), present=present, kind=kind)
    assert len(replaced) == MOST_IMAGES_WITH_MASKS[kind]


def test_masks_name_at_most_a_hundred_kinds_of_anomaly() -> None:
    def half(name: str, first: int) -> dict[str, Any]:
        kinds = {f"kind-{number}": f"#0000{number:02x}" for number in range(first, first + 51)}
        return picture(name, label("anomaly"), mask("s3://my-bucket/m.png", kinds))

    assert len(taken(half("a", 0), half("b", 49))) == 2
    with pytest.raises(DatasetLimitError, match="101 kinds of anomaly, and a project may have 100"):
        taken(half("a", 0), half("b", 50))


def test_the_kinds_of_the_projects_other_dataset_count_too() -> None:
    elsewhere = [f"kind-{number}" for number in range(98)]
    drawn = picture("a", label("anomaly"), mask("s3://my-bucket/m.png"))
    assert len(taken(drawn, elsewhere=elsewhere)) == 1
    with pytest.raises(DatasetLimitError, match="101 kinds of anomaly"):
        taken(drawn, elsewhere=[*elsewhere, "one more"])


def stored(name: str) -> StoredEntry:
    source = f"s3://my-bucket/{name}.png"
    return StoredEntry(json.dumps({"source-ref": source}), source, None, None, OLD)


# ---------------------------------------------------------------- how entries are kept


def test_an_entry_is_kept_and_read_again() -> None:
    given = picture("ä\u2028", label("anomaly"), mask("s3://my-bucket/m.png", COLOURS, background=False))
    (entry,) = taken(given)
    again = StoredEntry.from_line(entry.to_line().removesuffix(b"\n"))
    assert again == entry
    assert again.entry(1).values == given
    assert len(entry.to_line().splitlines()) == 1


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_file_in_pieces_has_the_same_lines(size: int) -> None:
    content = b"one\n\ntwo\r\n\xc3\xa4" * 5
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    assert list(split_lines(pieces)) == content.split(b"\n")


def test_a_line_without_an_end_takes_no_more_memory_than_a_line_may_have() -> None:
    (line,) = split_lines(b"x" * 1000 for _ in range(1000))
    assert MAX_LINE < len(line) <= MAX_LINE * 4 + 1
