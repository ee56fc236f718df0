"""A real, small model for tests: trained once on synthetic textures, kept under build/tests/."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from support_pictures import png_bytes, texture

from chalicelib.training import NamedPicture, TrainingConfig, train

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "build" / "tests"
NORMALS = 24


def normal_png(seed: int) -> bytes:
    """A picture that `tiny_model` should call normal; seeds below 24 are its training pictures."""
    return png_bytes(texture(seed, 160, 120))


def tiny_model() -> bytes:
    """A model of `normal_png`'s weave: normal ones pass, `support_pictures.scratched` ones do not."""
    path = CACHE / f"tiny-model-{_fingerprint()}.onnx"
    if not path.exists():
        pictures = [
            NamedPicture.of_bytes(f"weave-{seed:02}.png", normal_png(seed)) for seed in range(NORMALS)
        ]
        model = train(pictures, TrainingConfig(project="tiny")).model
        for outdated in CACHE.glob("tiny-model-*.onnx"):
            outdated.unlink(missing_ok=True)
        _write_atomically(path, model)
        return model
    return path.read_bytes()


def _fingerprint() -> str:
    """Changes with anything that shapes the model: the code of the detector and of these pictures."""
    library = ROOT / "chalice_app" / "chalicelib"
    names = ("detector", "framing", "model_metadata", "pictures", "picture_formats", "jpeg", "png")
    sources = [library / f"{name}.py" for name in names]
    sources += [*sorted((library / "training").glob("*.py")), Path(__file__)]
    sources.append(ROOT / "tests" / "support_pictures.py")
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    os.replace(file.name, path)  # noqa: PTH105 - two test runs may train at once
