"""Pictures of where the anomaly is: a heat map over the photograph, and a mask."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from chalicelib.anomalies import BACKGROUND_COLOR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chalicelib.detector import Detection
    from chalicelib.pictures import Picture

_LONGEST_SIDE = 640
# The heat, from 70 % of the threshold up to twice the threshold, as it is laid over the picture.
_HEAT = ("#2c7bb6", "#00ccbc", "#f9d057", "#f29e2e", "#d7191c")
_COLDEST, _HOTTEST = 0.7, 2.0
_OPACITY = 0.5


def overlay_png(picture: Picture, detection: Detection) -> bytes:
    """The picture under its heat map, with a box around each region, as a PNG.

    Patches below 70 % of the threshold leave the picture as it is; at the threshold the colour is
    blue-green, at twice the threshold it is red. The longest side has at most 640 pixels.
    """
    scale = min(1.0, _LONGEST_SIDE / max(picture.width, picture.height))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    base = Image.fromarray(picture.pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
    heat = _smooth_heat(detection, size)
    colour = Image.fromarray(_heat_colours(heat))
    alpha = Image.fromarray((255 * _OPACITY * np.minimum(1, 2 * heat)).astype(np.uint8))
    blended = Image.composite(colour, base, alpha)
    _draw_boxes(blended, detection)
    return _png(blended)


def mask_png(picture: Picture, detection: Detection) -> bytes:
    """An indexed PNG of the picture's full size: 0 background (white), then each kind in its colour."""
    mask = Image.fromarray(detection.kind_map).resize(
        (picture.width, picture.height), Image.Resampling.NEAREST
    )
    colours = (BACKGROUND_COLOR, *(kind.color for kind in detection.model_kinds))
    mask.putpalette([part for colour in colours for part in ImageColor.getrgb(colour)])
    return _png(mask, bits=_bits(len(colours)))


def _bits(colours: int) -> int:
    """Bits of a pixel: the fewest of those that PNG has for an index."""
    return next(bits for bits in (1, 2, 4, 8) if colours <= 1 << bits)


def _smooth_heat(detection: Detection, size: tuple[int, int]) -> NDArray[np.float32]:
    """Patch distances at picture size `(H, W)`: 0 where the picture stays as it is, 1 where it is red."""
    relative = (detection.heat_map / detection.threshold).astype(np.float32)
    smooth = Image.fromarray(relative).resize(size, Image.Resampling.BILINEAR)
    return np.clip((np.asarray(smooth) - _COLDEST) / (_HOTTEST - _COLDEST), 0, 1)


def _heat_colours(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Heat `(H, W)` in 0 to 1 → RGB `(H, W, 3)`, interpolated between the colours of `_HEAT`."""
    stops = np.array([ImageColor.getrgb(colour) for colour in _HEAT], float)
    places = np.linspace(0, 255, len(stops))
    table = np.stack([np.interp(np.arange(256), places, channel) for channel in stops.T], axis=1)
    colours: NDArray[np.uint8] = table.round().astype(np.uint8)[(heat * 255).astype(np.uint8)]
    return colours


def _draw_boxes(image: Image.Image, detection: Detection) -> None:
    draw = ImageDraw.Draw(image)
    width, height = image.width - 1, image.height - 1
    for region in detection.regions:
        left, top = region.left * width, region.top * height
        box = (left, top, left + region.width * width, top + region.height * height)
        draw.rectangle(box, outline=_HEAT[-1], width=max(2, image.width // 250))


def _png(image: Image.Image, **options: int) -> bytes:
    buffer = io.BytesIO()
    # A photograph hardly compresses: level 1 takes two thirds of level 3's time for 8 % more bytes.
    image.save(buffer, "PNG", compress_level=6 if options else 1, **options)
    return buffer.getvalue()
