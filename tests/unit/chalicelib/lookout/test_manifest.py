"""Manifests are read as Lookout for Vision read them, and every problem is told by its line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_lookout import COLOURS, label, line, manifest_bytes, mask

from chalicelib.exceptions import ManifestError
from chalicelib.lookout.entries import Location
from chalicelib.lookout.manifest import colors_of, parse_lines, parse_manifest

A, B = "s3://my-bucket/a.png", "s3://my-bucket/b.png"


def parsed(*lines: dict[str, Any]) -> Any:
    return parse_manifest(manifest_bytes(lines))


def problems(data: bytes) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data)
    return [str(problem) for problem in caught.value.problems]


def problems_of(*lines: dict[str, Any]) -> list[str]:
    return problems(manifest_bytes(lines))


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("normal", "normal"),
        ("Normal", "normal"),
        ("anomaly", "anomaly"),
        ("ANOMALY", "anomaly"),
        ("scratch", None),
        ("", None),
    ],
)
def test_the_class_name_decides_and_the_number_means_nothing(class_name: str, expected: str | None) -> None:
    assert parsed(line(A, label(class_name))).entries[0].label == expected


def test_a_line_with_nothing_but_its_picture_is_unlabelled() -> None:
    assert parsed(line(A)).entries[0].label is None


def test_attributes_may_have_any_name() -> None:
    (entry,) = parsed(line(A, label("anomaly", "my-job"), mask(B, attribute="where-ref"))).entries
    assert entry.label == "anomaly"
    assert entry.mask.location == Location("my-bucket", "b.png")


def test_labels_are_told_without_their_type() -> None:
    assert parsed({"source-ref": A, "x-metadata": {"class-name": "normal"}}).entries[0].label == "normal"


def test_a_mask_with_the_background_named() -> None:
    (entry,) = parsed(line(A, label("anomaly"), mask(B))).entries
    assert entry.mask.background == "#ffffff"
    assert entry.mask.labels == {colour: name for name, colour in COLOURS.items()}


def test_a_mask_as_in_the_cookie_sample_without_background() -> None:
    (entry,) = parsed(line(A, label("anomaly"), mask(B, {"cracked": "#23A436"}, background=False))).entries
    assert entry.mask.background is None
    assert entry.mask.labels == {"#23a436": "cracked"}


def test_what_a_model_predicted_is_no_label() -> None:
    predicted = label("normal", "anomaly-label-detected")
    predicted["anomaly-label-detected-metadata"]["model-arn"] = "arn:aws:lookoutvision:…"
    assert parsed(line(A, label("anomaly"), predicted)).entries[0].label == "anomaly"


def test_a_later_line_replaces_an_earlier_one_of_the_same_picture() -> None:
    manifest = parsed(line(A, label("normal")), line(B, label("normal")), line(A, label("anomaly")))
    assert [(entry.source.key, entry.label) for entry in manifest.entries] == [
        ("a.png", "anomaly"),
        ("b.png", "normal"),
    ]


def test_totals() -> None:
    manifest = parsed(line(A, label("normal")), line(B, label("anomaly"), mask(A)), line(f"{A}c"))
    assert (manifest.normals, manifest.anomalies, len(manifest.entries)) == (1, 1, 3)
    assert manifest.labels == {"scratch", "dent"}


def test_empty_lines_carriage_returns_and_a_byte_order_mark_do_not_matter() -> None:
    text = json.dumps(line(A)).encode()
    manifest = parse_manifest(b"\xef\xbb\xbf" + text + b"\r\n\r\n  \n" + text.replace(b"a.png", b"b.png"))
    assert [entry.line for entry in manifest.entries] == [1, 4]


KEY = st.text(
    st.characters(codec="utf-8", min_codepoint=32, exclude_characters="/\x7f"), min_size=1, max_size=30
)
EXTRA = st.dictionaries(
    st.text(max_size=10).filter(lambda key: not key.endswith(("-metadata", "-ref"))),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    max_size=4,
)


@given(
    st.lists(
        st.tuples(KEY, EXTRA, st.sampled_from(["normal", "Anomaly", "other", None])), min_size=1, max_size=5
    )
)
def test_what_is_written_equals_what_was_read(
    drawn: list[tuple[str, dict[str, Any], str | None]],
) -> None:
    lines = [
        {**extra, **line(f"s3://my-bucket/{key}", label(class_name) if class_name else {})}
        for key, extra, class_name in drawn
    ]
    manifest = parsed(*lines)
    written = manifest.to_bytes()
    last = {one["source-ref"]: one for one in lines}
    assert [json.loads(text) for text in written.splitlines()] == list(last.values())
    assert parse_manifest(written) == manifest
    assert parse_manifest(written).to_bytes() == written


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    parse_lines(data)


def wide(characters: int) -> bytes:
    text = json.dumps({"source-ref": A, "note": ""})
    return text.replace('""', f'"{"é" * (characters - len(text))}"').encode()


def test_a_line_may_have_8192_characters() -> None:
    assert len(parse_manifest(wide(8192)).entries) == 1


def test_a_longer_line_is_a_problem() -> None:
    assert problems(b"\n" + wide(8193)) == [
        "line 2: the line has 8193 characters, 8192 are allowed: shorten its attributes"
    ]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"nonsense", "the line is not JSON (Expecting value"),
        (b'{"source-ref": NaN}', "the line is not JSON (NaN is no JSON number)"),
        (b"[" * 8000, "the line is not JSON (maximum recursion"),
        (b'["s3://my-bucket/a.png"]', "the line is JSON, but no object"),
        (b"\xff\xfe{", "the line is not UTF-8: save the manifest as UTF-8"),
        (b"{}", "source-ref is missing or no text: say where the picture lies, s3://bucket/key"),
        (b'{"source-ref": 3}', "source-ref is missing or no text"),
        (b'{"source-ref": "http://x/a.png"}', "source-ref 'http://x/a.png' is no S3 URI of an object"),
        (b'{"source-ref": "s3://my-bucket/folder/"}', "is no S3 URI of an object: write s3://bucket/key"),
        (b'{"source-ref": "s3://my-bucket/\\ud800"}', "is no S3 URI of an object"),
        (b'{"source-ref": "training-images/a.png"}', "is no S3 URI of an object"),
    ],
)
def test_a_line_that_cannot_be_read(raw: bytes, message: str) -> None:
    (problem,) = problems(manifest_bytes([line(B)]) + raw)
    assert problem.startswith("line 2: ")
    assert message in problem


def with_colours(colours: object) -> dict[str, Any]:
    return line(A, label("anomaly"), {"m-ref": B, "m-ref-metadata": {"internal-color-map": colours}})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            line(A, label("normal", "x"), label("anomaly", "y")),
            "several attributes of the kind image-classif",
        ),
        (line(A, {"x": 1, "x-metadata": 3}), "x-metadata is no JSON object"),
        (line(A, {"x": 1, "x-metadata": {"class-name": 1}}), "class-name of x is no text: write normal or"),
        (line(A, {"anomaly-mask-ref": B}), "anomaly-mask-ref has no anomaly-mask-ref-metadata: add it"),
        (line(A, mask("b.png")), "anomaly-mask-ref 'b.png' is no S3 URI"),
        (
            line(A, mask(B, attribute="mask")),
            "the mask's attribute is called mask: its name has to end in -ref",
        ),
        (with_colours({}), "m-ref-metadata has no internal-color-map: say what each colour"),
        (
            with_colours({"0": {"hex-color": "#ffffff"}}),
            "entry 0 of the internal-color-map has no class-name",
        ),
        (with_colours({"0": "dent"}), "entry 0 of the internal-color-map has no class-name"),
        (
            with_colours({"1": {"class-name": "dent", "hex-color": "red"}}),
            "hex-color 'red' of dent is no colo",
        ),
        (
            with_colours({str(i): {"class-name": n, "hex-color": "#00ff00"} for i, n in enumerate("ab")}),
            "the colour #00ff00 means both a and b: give each its own",
        ),
        (line(A, mask(B, {"dent": "#FFFFFF"})), "the colour #ffffff means both BACKGROUND and dent"),
    ],
)
def test_a_label_or_mask_that_cannot_be_understood(wrong: dict[str, Any], message: str) -> None:
    (problem,) = problems_of(line(B), line(f"{B}c"), wrong)
    assert problem.startswith("line 3: ")
    assert message in problem


def test_pictures_in_two_buckets_are_a_problem() -> None:
    (problem,) = problems_of(line(A), line("s3://other/a.png"))
    assert problem == (
        "line 2: the picture is in bucket other, those before it are in my-bucket: "
        "keep all pictures of a dataset in one bucket"
    )


def test_an_empty_manifest_is_a_problem() -> None:
    assert problems(b"\n") == ["line 1: the manifest has no lines: give it one JSON object for each picture"]


def test_all_problems_are_told_at_once() -> None:
    wrong = line(
        "nowhere",
        {"x-metadata": {"class-name": 1}},
        {"m-ref": B, "m-ref-metadata": {"internal-color-map": 1}},
    )
    found = problems(b"nonsense\n" + manifest_bytes([line(A), wrong]))
    assert [problem.partition(":")[0] for problem in found] == ["line 1", "line 3", "line 3", "line 3"]


def test_the_sound_lines_of_a_manifest_with_problems() -> None:
    manifest, found = parse_lines(b"nonsense\n" + manifest_bytes([line(A)]), "train.manifest")
    assert [entry.line for entry in manifest.entries] == [2]
    assert str(found[0]).startswith("train.manifest line 1: ")


def test_paths_beside_the_manifest_are_taken_where_that_is_allowed() -> None:
    manifest, found = parse_lines(
        manifest_bytes([line("training-images/a.jpg", mask("mask-images/a.png"))]), allow_paths=True
    )
    assert not found
    assert str(manifest.entries[0].source) == "training-images/a.jpg"


def test_the_error_shows_fifty_problems_and_counts_the_others() -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(b"nonsense\n" * 53)
    text = str(caught.value).splitlines()
    assert text[0] == "53 problems; nothing was taken over."
    assert text[-1] == "... and 3 more"
    assert len(text) == 52


def test_each_kinds_first_colour_is_known_by_the_name_that_a_model_gives_it() -> None:
    odd = mask("s3://my-bucket/m1.png", {"deep scratch": "#112233", "defect": "#445566"})
    other = mask("s3://my-bucket/m2.png", {"deep scratch": "#778899", "dent": "#aabbcc"}, background=False)
    lines = [
        line("s3://my-bucket/1.png", label("anomaly"), odd),
        line("s3://my-bucket/2.png", label("anomaly"), other),
    ]
    entries = parse_manifest(manifest_bytes([*lines, line("s3://my-bucket/3.png")])).entries
    assert colors_of(entries) == {"deepScratch": "#112233", "dent": "#aabbcc"}
