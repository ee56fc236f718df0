"""What `import-lookout --upload` does in a stack: a project, its datasets and, if asked for, a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotcheck.console import err, out
from spotcheck.export_upload import ExportUpload
from spotcheck.lookout_api import LookoutApi
from spotcheck.model import Models
from spotcheck.stack_datasets import StackDatasets

if TYPE_CHECKING:
    from chalicelib.lookout.evaluation import EvaluationResult
    from spotcheck.exports import Export
    from spotcheck.lookout_dataset import Imported
    from spotcheck.targets import Target

_TRAINING_SECONDS = 3600.0


class StackImport:
    """Brings one export into one project.

    Args:
        target: The stack.
        project: The project's name.
    """

    def __init__(self, target: Target, project: str) -> None:
        self._s3 = target.client("s3")
        self._bucket = str(target.outputs["images_bucket"])
        self._project = project
        self._call = LookoutApi.of(target).call
        self._datasets = StackDatasets(self._call)

    def upload(self, export: Export, imported: Imported) -> None:
        """Uploads what was taken of an export, and makes datasets of it.

        Raises:
            StackError: The project has such a dataset, or it could not be made.
        """
        from spotcheck.tables import progress_bars

        with progress_bars(err) as bar:
            work = ExportUpload(self._s3, self._bucket, self._datasets)
            made = work.run(self._project, export, imported, bar("uploading"))
        for split, counts in made.items():
            told = f"{counts['Total']} pictures: {counts['Normal']} normal, {counts['Anomaly']} anomalous"
            out.print(f"{split} dataset of project {self._project}: {told}", highlight=False, markup=False)

    def train(self) -> EvaluationResult:
        """Trains a version on the datasets, and waits for it.

        Returns:
            How good it is.

        Raises:
            LookoutApiError: The API refused to train.
            ModelStateError: The training failed, or takes more than an hour.
        """
        from chalicelib.lookout.evaluation import EvaluationResult

        version = self._datasets.train(self._project, self._bucket, f"datasets/{self._project}/output/")
        models = Models(self._call, self._project)
        with err.status(f"training version {version} ...") as progress:
            described = models.until(
                version,
                "TRAINED",
                _TRAINING_SECONDS,
                lambda status, said: progress.update(f"{status}: {said}"),
            )
        file = described["EvaluationResult"]
        answer = self._s3.get_object(Bucket=file["Bucket"], Key=file["Key"])
        out.print(f"trained version {version} of project {self._project}", highlight=False, markup=False)
        command = f"spotcheck model start --project {self._project} --version {version}"
        out.print(f"next: {command}", highlight=False, markup=False, soft_wrap=True)
        return EvaluationResult.from_bytes(answer["Body"].read())
