"""Says of the version that a project judges with that it is hosted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.exceptions import ModelNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.registry import ModelRegistry


class CurrentModel:
    """What the registry's pointer says of versions.

    Args:
        registry: Makes a project's registry.
    """

    def __init__(self, registry: Callable[[str], ModelRegistry]) -> None:
        self._registry = registry

    def members(self, project: str, version: str) -> Mapping[str, Any]:
        """State and message of the current version; nothing of another."""
        try:
            current = self._registry(project).current().version
        except ModelNotFoundError:
            return {}
        message = "The model judges the uploads of its project."
        return {"Status": "HOSTED", "StatusMessage": message} if current == version else {}
