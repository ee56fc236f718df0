"""The table of MediaConvert's operations and which of them are emulated: docs/mediaconvert-coverage.md.

Written anew with `python -m localaws.mediaconvert.coverage > docs/mediaconvert-coverage.md`.
"""

from __future__ import annotations

import sys

from botocore import xform_name

from localaws.mediaconvert.responses import MediaConvertResponse
from localaws.mediaconvert.validation import service_model

_HEAD = """\
# MediaConvert on the embedded AWS: operations

Generated from botocore's service model by `python -m localaws.mediaconvert.coverage`; a test keeps it so.

| operation | emulated |
|---|---|
"""


def is_emulated(operation: str) -> bool:
    """Whether an operation of the service model is answered."""
    return hasattr(MediaConvertResponse, xform_name(operation))


def table() -> str:
    """The document, in Markdown."""
    operations = sorted(service_model().operation_names)
    rows = "".join(f"| {name} | {'yes' if is_emulated(name) else 'no'} |\n" for name in operations)
    done = sum(map(is_emulated, operations))
    return f"{_HEAD}{rows}\n{done} of {len(operations)} operations.\n"


if __name__ == "__main__":
    sys.stdout.write(table())
