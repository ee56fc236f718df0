"""What cameras do to pictures: other light, focus, noise, compression and place.

Training learns from pictures altered so (`chalicelib.training.squares`), and `spotcheck evaluate --stress`
measures what a model makes of them.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

# What `altered` does at most, docs/adr/0016: brightness and contrast within so much of what they are, a blur
# with a radius between two shares of the side or noise with a deviation between two levels of 255, a shift
# within a share of the sides, a turn within so many degrees, JPEG between two qualities.
_BRIGHTNESS, _CONTRAST = 0.2, 0.15
_BLUR, _NOISE = (0.001, 0.005), (2.0, 8.0)
_SHIFT, _DEGREES = 0.02, 2.0
_QUALITY = (40, 90)


def altered(generator: np.random.Generator, pixels: Pixels) -> Pixels:
    """A picture `(H, W, 3)` as it might have been taken on another day; what it shows stays normal.

    Args:
        generator: Of all chance: the same gives the same.
        pixels: The picture.
    """
    uniform = generator.uniform
    pixels = brighter(pixels, 1 + uniform(-_BRIGHTNESS, _BRIGHTNESS))
    pixels = contrasted(pixels, 1 + uniform(-_CONTRAST, _CONTRAST))
    right, down = uniform(-_SHIFT, _SHIFT, 2)
    pixels = moved(pixels, shift=(right, down), degrees=uniform(-_DEGREES, _DEGREES))
    if generator.random() < 0.5:
        pixels = blurred(pixels, uniform(*_BLUR))
    else:
        pixels = noisy(pixels, uniform(*_NOISE), generator)
    return compressed(pixels, int(generator.integers(*_QUALITY)))


def brighter(pixels: Pixels, factor: float) -> Pixels:
    """Brighter by a factor; darker below 1."""
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(pixels)).enhance(factor))


def contrasted(pixels: Pixels, factor: float) -> Pixels:
    """So many times as far from the mean grey."""
    return np.asarray(ImageEnhance.Contrast(Image.fromarray(pixels)).enhance(factor))


def blurred(pixels: Pixels, share: float) -> Pixels:
    """Out of focus, by a radius that is a share of the shorter side."""
    radius = share * min(pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def noisy(pixels: Pixels, deviation: float, generator: np.random.Generator) -> Pixels:
    """With noise of a deviation in levels of 255, in each colour by itself."""
    noise = generator.normal(0, deviation, pixels.shape)
    result: Pixels = np.clip(pixels + noise, 0, 255).round().astype(np.uint8)
    return result


def compressed(pixels: Pixels, quality: int) -> Pixels:
    """As JPEG of a quality makes it."""
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file, formats=["JPEG"]).convert("RGB"))


def moved(
    pixels: Pixels, *, shift: tuple[float, float] = (0, 0), degrees: float = 0, scale: float = 1
) -> Pixels:
    """Shifted to the right and down by shares of its sides, turned and magnified; outside it is mirrored."""
    height, width = pixels.shape[:2]
    pad_y, pad_x = height // 4, width // 4
    wide = np.pad(pixels, ((pad_y, pad_y), (pad_x, pad_x), (0, 0)), mode="reflect")
    turned = Image.fromarray(wide).rotate(degrees, Image.Resampling.BICUBIC)
    left = pad_x + width * (1 - 1 / scale) / 2 - shift[0] * width
    top = pad_y + height * (1 - 1 / scale) / 2 - shift[1] * height
    box = (left, top, left + width / scale, top + height / scale)
    return np.asarray(turned.resize((width, height), Image.Resampling.BICUBIC, box=box))
