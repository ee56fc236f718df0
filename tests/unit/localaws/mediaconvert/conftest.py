from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from PIL import Image

from localaws.mediaconvert.converter import Converter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from localaws.mediaconvert.names import S3Uri
    from localaws.mediaconvert.outputs import OutputReport

VIDEOS = Path(__file__).parents[5] / "shared" / "data" / "videos"


@dataclass
class Conversion:
    """What a conversion made: objects in the order of their upload, and the reports."""

    objects: dict[str, bytes] = field(default_factory=dict)
    reports: list[list[OutputReport]] = field(default_factory=list)

    @property
    def frames(self) -> list[NDArray[np.uint8]]:
        """The captured frames, decoded."""
        return [
            np.asarray(Image.open(io.BytesIO(body))) for key, body in self.objects.items() if "_f." in key
        ]

    def movie(self) -> Any:
        """The movie, opened."""
        return av.open(io.BytesIO(self.objects["out/film_m.mp4"]))


@pytest.fixture
def convert() -> Callable[..., Conversion]:
    """Converts files by job settings, without S3."""

    def run(settings: dict[str, Any], *files: Path) -> Conversion:
        made = Conversion()

        def upload(uri: S3Uri, body: bytes) -> None:
            made.objects[uri.key] = body

        made.reports = Converter(settings, files, upload).run()
        return made

    return run


@pytest.fixture
def shared_video() -> Callable[[str], Path]:
    """Finds a real video, which is kept beside the project and never in it."""

    def find(name: str) -> Path:
        path = VIDEOS / name
        if not path.exists():
            pytest.skip(f"needs the folder of real videos beside the project: ../shared/data/videos/{name}")
        return path

    return find
