"""The model that this execution environment judges with: loaded once a version, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.registry import ModelEntry, ModelRegistry


class Models:
    """Keeps the current version's detector loaded.

    Args:
        registry: Says which version is current, and fetches it.
        load: From an ONNX file to a detector.
    """

    def __init__(self, registry: ModelRegistry, load: Callable[[bytes], Detector] = Detector.load) -> None:
        self._registry = registry
        self._load = load
        self._loaded: tuple[str, Detector] | None = None

    def current(self) -> tuple[str, Detector]:
        """The current version and its detector.

        Raises:
            ModelNotFoundError: There is none.
            ModelInvalidError: It cannot be loaded.
        """
        return self._of(self._registry.current())

    def prepare(self, version: str | None) -> None:
        """Loads a version that is about to become current, or the current one.

        Raises:
            ModelNotFoundError: There is none.
            ModelInvalidError: It cannot be loaded.
        """
        self._of(self._registry.current() if version is None else self._registry.entry(version))

    def _of(self, entry: ModelEntry) -> tuple[str, Detector]:
        if self._loaded is None or self._loaded[0] != entry.version:
            self._loaded = (entry.version, self._load(self._registry.download(entry)))
        return self._loaded
