"""HTML pages with everything inside."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import jinja2
from PIL import Image

from chalicelib.pictures import read_picture

_TEMPLATES = Path(__file__).parent / "templates"
_SIDE = 300  # longest side of a picture on a page, in pixels


def environment(*folders: Path) -> jinja2.Environment:
    """Where templates come from; what goes into them is escaped.

    Args:
        folders: With further templates.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, _TEMPLATES]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def data_uri(picture: bytes) -> str:
    """A picture, made small, as a `data:` address.

    Args:
        picture: A JPEG or PNG that was judged.
    """
    image = Image.fromarray(read_picture(picture, min_decoded_side=_SIDE).pixels)
    image.thumbnail((_SIDE, _SIDE))
    with io.BytesIO() as file:
        image.save(file, "JPEG", quality=85)
        return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
