"""What becomes of a file: an upright picture, or a reason that a person understands."""

from __future__ import annotations

import ast
import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from support_pictures import (
    bad_inputs,
    encoded,
    jpeg_bytes,
    png_bytes,
    png_chunk,
    raw_png,
    texture,
)

import chalicelib
from chalicelib.exceptions import PictureRejectedError
from chalicelib.pictures import Picture, PictureLimits, read_picture

JPEG = jpeg_bytes(quality=95)
PNG = png_bytes()
BAD_INPUTS = bad_inputs()


def read(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return read_picture(data).pixels


def assert_close(pixels: object, expected: object, tolerance: float = 3) -> None:
    difference = np.abs(np.asarray(pixels, float) - np.asarray(expected, float))
    assert difference.mean() <= tolerance


def test_a_jpeg_is_decoded() -> None:
    picture = read_picture(JPEG)
    assert (picture.width, picture.height, picture.content_type) == (96, 96, "image/jpeg")
    assert_close(picture.pixels, texture(), 6)


def test_a_png_is_decoded_exactly() -> None:
    picture = read_picture(PNG)
    assert picture.content_type == "image/png"
    np.testing.assert_array_equal(picture.pixels, texture())


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_what_can_never_be_judged_is_rejected_with_its_reason(name: str) -> None:
    data, reason = BAD_INPUTS[name]
    with pytest.raises(PictureRejectedError) as rejected:
        read_picture(data)
    assert reason in rejected.value.reason
    assert rejected.value.reason.endswith(".")


def test_a_file_over_the_size_limit_is_rejected() -> None:
    with pytest.raises(PictureRejectedError, match=r"0\.0 MB; the limit is 0\.001 MB"):
        read_picture(PNG, PictureLimits(max_bytes=1000))


def test_a_picture_over_the_pixel_limit_is_rejected() -> None:
    with pytest.raises(PictureRejectedError, match=r"96 × 96 .* the limit is 0\.009"):  # noqa: RUF001
        read_picture(PNG, PictureLimits(max_pixels=9000))


def test_a_picture_of_exactly_the_shortest_side_is_judged() -> None:
    assert read(png_bytes(texture(0, 64, 64))).shape == (64, 64, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_turned_upright(orientation: int) -> None:
    data = jpeg_bytes(texture(0, 96, 64), orientation=orientation, quality=95, subsampling=0)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    picture = read_picture(data)
    assert (picture.width, picture.height) == expected.size
    assert_close(picture.pixels, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_png_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = png_bytes(texture(0, 96, 64), exif=exif)
    np.testing.assert_array_equal(read(data), ImageOps.exif_transpose(Image.open(io.BytesIO(data))))


def test_a_turned_jpeg_is_turned_upright_at_a_reduced_scale_too() -> None:
    data = jpeg_bytes(texture(0, 960, 640), orientation=6, quality=95)
    picture = read_picture(data, min_decoded_side=100)
    assert (picture.width, picture.height) == (640, 960)
    assert picture.pixels.shape == (240, 160, 3)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert_close(picture.pixels, upright.resize((160, 240), Image.Resampling.BOX))


@pytest.mark.parametrize("value", [0, 9, 77])
def test_an_orientation_that_does_not_exist_is_ignored(value: int) -> None:
    assert read(jpeg_bytes(texture(0, 96, 64), orientation=value)).shape == (64, 96, 3)


def test_a_broken_exif_block_does_not_break_the_picture() -> None:
    data = bytearray(jpeg_bytes(orientation=6))
    start = data.index(b"Exif\0\0") + 6
    data[start : start + 12] = b"\xff" * 12
    assert read(bytes(data)).shape == (96, 96, 3)


def test_whatever_pillow_makes_of_an_exif_block_the_picture_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: Image.Image) -> None:
        raise struct.error

    monkeypatch.setattr(Image.Image, "getexif", fail)
    assert read(jpeg_bytes(texture(0, 96, 64), orientation=6)).shape == (64, 96, 3)


def test_a_large_jpeg_is_decoded_at_the_smallest_scale_that_keeps_the_side_asked_for() -> None:
    data = jpeg_bytes(texture(0, 1600, 1200))
    picture = read_picture(data, min_decoded_side=320)
    assert (picture.width, picture.height) == (1600, 1200)
    assert min(picture.pixels.shape[:2]) == 450


def test_a_small_jpeg_is_decoded_whole() -> None:
    assert read_picture(JPEG, min_decoded_side=320).pixels.shape == (96, 96, 3)


def test_grey_pictures_become_rgb() -> None:
    grey = Image.fromarray(texture()).convert("L")
    for file_format in ("JPEG", "PNG"):
        assert_close(read(encoded(grey, file_format)), np.asarray(grey.convert("RGB")), 4)


def test_a_palette_picture_shows_its_colours() -> None:
    palette = Image.fromarray(texture()).quantize(16)
    np.testing.assert_array_equal(read(encoded(palette, "PNG")), np.asarray(palette.convert("RGB")))


def test_a_picture_of_one_bit_is_black_and_white() -> None:
    bits = Image.fromarray(texture()).convert("1")
    np.testing.assert_array_equal(read(encoded(bits, "PNG")), np.asarray(bits.convert("RGB")))


def test_sixteen_bit_grey_keeps_its_whole_range() -> None:
    ramp = np.linspace(0, 65535, 96 * 96).astype(">u2").reshape(96, 96)
    pixels = read(raw_png(96, 96, 16, 0, ramp.tobytes()))
    np.testing.assert_array_equal(pixels, np.repeat((ramp >> 8)[..., None], 3, axis=2))


def test_sixteen_bit_rgb_keeps_its_whole_range() -> None:
    samples = (texture().astype(np.uint16) * 257).astype(">u2")
    np.testing.assert_array_equal(read(raw_png(96, 96, 16, 2, samples.tobytes())), texture())


def test_the_transparent_value_of_a_sixteen_bit_grey_picture_shows_white() -> None:
    samples = np.full((96, 96), 1000, ">u2")
    samples[:, 48:] = 30000
    data = raw_png(96, 96, 16, 0, samples.tobytes(), png_chunk(b"tRNS", struct.pack(">H", 1000)))
    pixels = read(data)
    assert (pixels[:, :48] == 255).all()
    assert (pixels[:, 48:] == 30000 >> 8).all()


def test_whatever_is_transparent_shows_white() -> None:
    rgba = np.dstack([texture(), np.full((96, 96), 255, np.uint8)])
    rgba[:, :48, 3] = 0
    pixels = read(png_bytes(rgba))
    assert (pixels[:, :48] == 255).all()
    np.testing.assert_array_equal(pixels[:, 48:], texture()[:, 48:])


def test_a_transparent_palette_entry_shows_white() -> None:
    palette = Image.fromarray(np.repeat([[0, 1]], 96, axis=0).repeat(48, axis=1).astype(np.uint8), "P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    pixels = read(encoded(palette, "PNG", transparency=0))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[0, 95].tolist() == [40, 50, 60]


def cmyk_jpeg() -> bytes:
    return encoded(Image.fromarray(texture()).convert("CMYK"), "JPEG", quality=95)


def test_adobes_inverted_cmyk_shows_its_colours() -> None:
    data = cmyk_jpeg()
    assert b"Adobe" in data
    assert_close(read(data), texture(), 5)


def test_cmyk_without_adobes_segment_is_not_inverted() -> None:
    data = cmyk_jpeg()
    start = data.index(b"\xff\xee")  # APP14
    (length,) = struct.unpack_from(">H", data, start + 2)
    inks = np.asarray(Image.open(io.BytesIO(data)).convert("CMYK"))
    stored = 255 - inks.astype(float)  # what the file holds, read without Adobe's convention
    expected = (255 - stored[..., :3]) * (255 - stored[..., 3:]) / 255
    assert_close(read(data[:start] + data[start + 2 + length :]), expected, 5)


def unusual_subsampling_jpeg() -> bytes:
    """A grey square of 64 pixels with chroma at a quarter of the width and half the height (4:1:0).

    Nothing writes that any more, so its scan is made by hand: 8 units of 8 luma and 2 chroma blocks, each
    a DC difference of zero and an end of block in the standard Huffman codes (T.81, Annex K).
    """
    data = jpeg_bytes(np.full((64, 64, 3), 128, np.uint8))
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    header = data[: frame + 11] + b"\x42" + data[frame + 12 : scan + 14]
    bits = ("001010" * 8 + "0000" * 2) * 8
    return header + int(bits, 2).to_bytes(len(bits) // 8, "big") + b"\xff\xd9"


def test_a_jpeg_of_unusual_chroma_subsampling_is_decoded() -> None:
    assert (read(unusual_subsampling_jpeg()) == 128).all()
    assert read_picture(unusual_subsampling_jpeg(), min_decoded_side=32).pixels.shape == (32, 32, 3)


def test_a_truncated_jpeg_of_unusual_chroma_subsampling_is_rejected() -> None:
    with pytest.raises(PictureRejectedError, match="JPEG"):
        read_picture(unusual_subsampling_jpeg()[:-20])


def test_bytes_that_a_camera_left_between_two_segments_do_no_harm() -> None:
    end = JPEG.rindex(b"\xff\xd9")
    np.testing.assert_array_equal(read(JPEG[:end] + bytes(8) + JPEG[end:]), read(JPEG))


def test_many_bytes_left_behind_the_picture_mean_that_it_is_damaged() -> None:
    end = JPEG.rindex(b"\xff\xd9")
    with pytest.raises(PictureRejectedError, match="damaged"):
        read_picture(JPEG[:end] + bytes(80) + JPEG[end:])


def test_bytes_between_two_segments_of_the_header_do_no_harm() -> None:
    tables = JPEG.index(b"\xff\xdb")
    np.testing.assert_array_equal(read(JPEG[:tables] + bytes(80) + JPEG[tables:]), read(JPEG))


def test_a_damaged_size_is_not_taken_for_a_large_picture() -> None:
    with pytest.raises(PictureRejectedError, match="wrong checksum in its header"):
        read_picture(PNG[:16] + b"\x7f" + PNG[17:])


def test_a_jpeg_made_to_be_slow_is_rejected() -> None:
    progressive = jpeg_bytes(progressive=True)
    scan = progressive.rindex(b"\xff\xda")
    bomb = progressive[:scan] + progressive[scan:-2] * 200 + progressive[-2:]
    with pytest.raises(PictureRejectedError, match="scans"):
        read_picture(bomb)


@pytest.mark.parametrize("progressive", [False, True])
def test_the_larger_a_jpeg_the_fewer_scans_it_may_have(progressive: bool) -> None:  # noqa: FBT001
    data = jpeg_bytes(progressive=progressive)
    frame, scan = data.index(b"\xff\xc2" if progressive else b"\xff\xc0"), data.rindex(b"\xff\xda")
    large = data[: frame + 5] + struct.pack(">HH", 9000, 9000) + data[frame + 9 :]
    bomb = large[:scan] + large[scan:-2] * 30 + large[-2:]
    with pytest.raises(PictureRejectedError, match="more than 24 scans"):
        read_picture(bomb)


@pytest.mark.parametrize("before", [b"", b"\xff\xfe\x00\x06\xff\xd9\xff\xda", b"\xff\xff", b"\xff\xd0"])
def test_no_scan_is_hidden_by_what_stands_before_it(before: bytes) -> None:
    """A comment that looks like the end, fill bytes, a restart marker; and scans without any content."""
    head = JPEG[: JPEG.index(b"\xff\xda")]
    scan = before + b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 0, 63, 0)
    with pytest.raises(PictureRejectedError, match="more than 100 scans"):
        read_picture(head + scan * 101 + JPEG[-2:])


def test_what_a_phone_appends_to_a_picture_does_no_harm() -> None:
    film = np.random.default_rng(0).bytes(8_000_000)
    assert film.count(b"\xff\xda") > 100
    for progressive in (False, True):
        assert read(jpeg_bytes(progressive=progressive) + film).shape == (96, 96, 3)


def test_a_progressive_jpeg_is_decoded() -> None:
    np.testing.assert_array_equal(read(jpeg_bytes(progressive=True)), read(jpeg_bytes()))


def test_a_png_of_one_frame_with_animation_control_is_a_still_picture() -> None:
    control = png_chunk(b"acTL", struct.pack(">II", 1, 0))
    np.testing.assert_array_equal(read(PNG[:33] + control + PNG[33:]), texture())


def test_nothing_that_runs_in_lambda_opens_a_picture_without_naming_the_formats() -> None:
    modules = Path(chalicelib.__file__).parent.rglob("*.py")
    opened = [
        call
        for module in modules
        for call in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Image.open"
    ]
    formats = {ast.unparse(one.value) for call in opened for one in call.keywords if one.arg == "formats"}
    assert all(any(one.arg == "formats" for one in call.keywords) for call in opened)
    assert formats <= {"['JPEG']", "['PNG']", "['PNG', 'JPEG']"}
    assert opened


def test_the_bytes_decide_whatever_the_name_or_limit_of_pillow_says() -> None:
    assert Image.MAX_IMAGE_PIXELS is None


LARGE = {
    "rgba": (8, 6, 4),
    "rgba of 16 bits": (16, 6, 8),
    "grey with alpha": (8, 4, 2),
    "grey of 16 bits": (16, 0, 2),
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a child's peak is its parent's, too")
@pytest.mark.parametrize("name", LARGE)
def test_a_large_png_takes_a_few_bytes_a_pixel(name: str, tmp_path: Path) -> None:
    """A hundred megapixels, whose file may have a few hundred kilobytes, must fit into a function."""
    depth, colour, size = LARGE[name]
    side = 4000
    (tmp_path / "large.png").write_bytes(raw_png(side, side, depth, colour, bytes(side * side * size)))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, tmp_path / "large.png"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) / side**2 < 9


PEAK = """
import sys
from pathlib import Path
from chalicelib.pictures import read_picture

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024

before = peak()
read_picture(Path(sys.argv[1]).read_bytes())
print(peak() - before)
"""

SOURCES = [JPEG, PNG, jpeg_bytes(orientation=6, progressive=True), cmyk_jpeg(), png_bytes(texture()[..., 0])]


@settings(max_examples=150)
@given(
    source=st.sampled_from(SOURCES),
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), max_size=5),
    keep=st.floats(0, 1),
)
def test_no_bytes_give_anything_but_a_picture_or_a_reason(
    source: bytes, edits: list[tuple[float, bytes]], keep: float
) -> None:
    data = bytearray(source[: max(8, int(len(source) * max(keep, 0.1) * 1.2))])
    for where, replacement in edits:
        start = int(where * len(data))
        data[start : start + len(replacement)] = replacement
    try:
        picture: Picture = read_picture(bytes(data), min_decoded_side=64)
    except PictureRejectedError as rejected:
        assert rejected.reason  # noqa: PT017 - either outcome is right
    else:
        assert picture.pixels.dtype == np.uint8
        assert picture.pixels.shape[2] == 3


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_rejected(data: bytes) -> None:
    for magic in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"):
        with pytest.raises(PictureRejectedError):
            read_picture(magic + data)
