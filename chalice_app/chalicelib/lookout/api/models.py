"""DescribeModel and ListModels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.lookout.api.pages import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.lookout.api.model_store import ModelStore
    from chalicelib.lookout.api.projects import Projects


class ModelOperations:
    """Tells of models.

    Args:
        projects: Says which exist.
        models: Their versions.
    """

    def __init__(self, projects: Projects, models: ModelStore) -> None:
        self._projects = projects
        self._models = models

    def describe(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Tells of one version.

        Raises:
            ResourceNotFoundException: There is no such project or version.
        """
        project = self._projects.require(given["ProjectName"])
        return {"ModelDescription": self._models.get(project, given["ModelVersion"]).members()}

    def list(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Lists a project's versions, newest first.

        Raises:
            ResourceNotFoundException: There is no such project.
        """
        records = self._models.all(self._projects.require(given["ProjectName"]))
        found, token = page(
            records, lambda record: record.version, given.get("NextToken"), given.get("MaxResults")
        )
        return {"Models": [record.members() for record in found], "NextToken": token}
