"""The models that an execution environment has loaded."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from chalicelib.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.registry import ModelRegistry

KEPT = 4
"""Models loaded at once: one is about 60 MB in memory."""


class Detectors:
    """Loads versions, and keeps the last few.

    Args:
        registry: Makes a project's registry.
        load: From an ONNX file to a detector.
    """

    def __init__(
        self, registry: Callable[[str], ModelRegistry], load: Callable[[bytes], Detector] = Detector.load
    ) -> None:
        @lru_cache(KEPT)
        def detector(project: str, version: str) -> Detector:
            of_project = registry(project)
            return load(of_project.download(of_project.entry(version)))

        self._detector = detector

    def get(self, project: str, version: str) -> Detector:
        """A version's detector.

        Raises:
            ModelNotFoundError: There is no such version.
            ModelInvalidError: It cannot be loaded.
        """
        return self._detector(project, version)
