"""Films of the weave, scratched from a known second on, a model of them, and files that are no films."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from support_clips import make_clip, make_sound
from support_models import NORMALS, normal_png
from support_pictures import jpeg_bytes, scratched, texture

from chalicelib.training import NamedPicture, TrainingConfig, train

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

RATE = 2  # frames a second
SIZE = (160, 120)
SHORT = 6  # seconds: captured at 0 and 5
LONG = 18  # seconds: captured at 0, 5, 10 and 15
SCRATCHED_FROM = 10


def film(
    folder: Path,
    name: str = "film.mp4",
    *,
    seconds: float = LONG,
    scratched_from: float | None = None,
    **settings: Any,
) -> bytes:
    """A film of the pictures that `film_model` is trained on.

    Args:
        folder: Where it may be written.
        name: Its extension says its container.
        seconds: How long.
        scratched_from: Second from which on the scratch is in view; none by default.
        settings: Of `support_clips.make_clip`.
    """

    def draw(number: int, size: tuple[int, int]) -> NDArray[np.uint8]:
        part = texture(number % NORMALS, *size)
        return part if scratched_from is None or number < scratched_from * RATE else scratched(part)

    clip: dict[str, Any] = {"frames": int(seconds * RATE), "rate": RATE, "size": SIZE, "draw": draw}
    return make_clip(folder / name, **(clip | settings)).read_bytes()


def film_model(folder: Path) -> bytes:
    """A model of the weave as pictures and as frames: what a codec leaves of it is nothing unusual.

    Args:
        folder: Where a film may be written.
    """
    with av.open(io.BytesIO(film(folder, seconds=NORMALS / RATE)), "r") as file:
        frames: list[Any] = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    pictures = [NamedPicture.of_bytes(f"weave-{seed:02}.png", normal_png(seed)) for seed in range(NORMALS)]
    pictures += [
        NamedPicture.of_bytes(f"frame-{number:02}.jpg", jpeg_bytes(frame, quality=80))
        for number, frame in enumerate(frames)
    ]
    return train(pictures, TrainingConfig(project="tiny", false_alarm_rate=0.001)).model


def readable_films(folder: Path) -> dict[str, bytes]:
    """Films in every wrapping that phones and cameras make: name → bytes; all scratched from the start."""

    def scratchy(name: str, **settings: Any) -> bytes:
        return film(folder, name, seconds=SHORT, scratched_from=0, **settings)

    uneven = [Fraction(number * number, 30) for number in range(14)]  # seconds, up to 5.6
    films = {
        **{name: scratchy(name) for name in ("film.mp4", "film.mov", "film.mkv", "UPPER.MP4")},
        "film.avi": scratchy("film.avi", codec="mpeg4"),
        "vp9.webm": scratchy("vp9.webm", codec="libvpx-vp9"),
        "hevc.mp4": scratchy("hevc.mp4", codec="libx265"),
        "film.cam7": scratchy("film.cam7", container="mp4"),
        "no-extension": scratchy("no-extension", container="matroska"),
        "with sound.mp4": scratchy("with sound.mp4", sound=True),
        "phone.mp4": scratchy("phone.mp4", frames=14, times=uneven, rotation=90),
        "one frame.mp4": scratchy("one frame.mp4", frames=1),
    }
    return films | {"ünï+code 100%.mp4": films["film.mp4"], "long": films["film.mp4"]}


def broken_films(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Files that hold no video: name → bytes, and what the reason says of them."""
    whole = film(folder)
    return {
        "text.mp4": (b"This is no film.\n" * 50, "1010"),
        "truncated.mp4": (whole[: len(whole) // 2], "MediaConvert error 10"),
        "sound only.mp4": (make_sound(folder / "sound.mp4").read_bytes(), "1020"),
        "empty.mp4": (b"", "The file is empty."),
    }
