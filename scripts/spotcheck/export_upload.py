"""From an exported Lookout for Vision dataset to a project with datasets in a stack."""

from __future__ import annotations

import json
import mimetypes
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from chalicelib.lookout.api.dataset_buckets import DATASETS_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spotcheck.exports import Export
    from spotcheck.lookout_dataset import Imported, Item
    from spotcheck.stack_datasets import StackDatasets

_WORKERS = 8


class ExportUpload:
    """Puts an export's pictures, masks and manifests below `datasets/<project>/` and makes datasets of them.

    Args:
        s3: S3 client of the stack.
        bucket: The stack's images bucket.
        datasets: Makes projects and datasets.
    """

    def __init__(self, s3: Any, bucket: str, datasets: StackDatasets) -> None:  # noqa: ANN401 - made at run time
        self._s3 = s3
        self._bucket = bucket
        self._datasets = datasets

    def run(
        self,
        project: str,
        export: Export,
        imported: Imported,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, dict[str, int]]:
        """Uploads, then makes the datasets: what a manifest names is there before anybody reads it.

        Args:
            project: Its name; it is made if there is none.
            export: Where the pictures come from.
            imported: What was taken of it.
            progress: Called with how many pictures are done, of how many.

        Returns:
            `ImageStats` of each dataset (`train`, `test`).

        Raises:
            StackError: The project has such a dataset, or it could not be made.
            InputError: A picture can not be read any more.
        """
        items = imported.items
        splits = {split: [item for item in items if item.split == split] for split in ("train", "test")}
        splits = {split: chosen for split, chosen in splits.items() if chosen}
        self._datasets.prepare(project, splits)
        with ThreadPoolExecutor(_WORKERS) as pool:
            sent = pool.map(lambda item: self._send(project, export, item), items)
            for done, _ in enumerate(sent, start=1):
                if progress:
                    progress(done, len(items))
        return {split: self._make(project, split, chosen) for split, chosen in splits.items()}

    def _send(self, project: str, export: Export, item: Item) -> None:
        self._put(_picture_key(project, item), export.read(item.picture))
        if item.mask:
            self._put(_mask_key(project, item), export.read(item.mask))

    def _make(self, project: str, split: str, items: Sequence[Item]) -> dict[str, int]:
        lines = [json.dumps(rewritten(item, self._bucket, project), ensure_ascii=False) for item in items]
        key = f"{DATASETS_PREFIX}{project}/{split}.manifest"
        self._put(key, "".join(f"{line}\n" for line in lines).encode())
        return self._datasets.create(project, split, self._bucket, key)

    def _put(self, key: str, content: bytes) -> None:
        kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=kind)


def rewritten(item: Item, bucket: str, project: str) -> dict[str, Any]:
    """A manifest line that names the uploaded copies; all else stays as it was.

    A normal picture's mask is not brought along: training needs none.
    """
    entry = item.entry
    line = {**entry.values, "source-ref": f"s3://{bucket}/{_picture_key(project, item)}"}
    if entry.mask is not None:
        place = str(entry.mask.location)
        for name in [one for one, value in entry.values.items() if one != "source-ref" and value == place]:
            if item.mask:
                line[name] = f"s3://{bucket}/{_mask_key(project, item)}"
            else:
                line.pop(name)
                line.pop(f"{name}-metadata", None)
    return line


def _picture_key(project: str, item: Item) -> str:
    return f"{DATASETS_PREFIX}{project}/{item.split}/images/{item.name}"


def _mask_key(project: str, item: Item) -> str:
    return f"{DATASETS_PREFIX}{project}/{item.split}/masks/{PurePosixPath(item.name).stem}.png"
