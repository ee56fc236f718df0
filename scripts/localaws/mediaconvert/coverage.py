"""The table of MediaConvert's operations and which are emulated: docs/mediaconvert-coverage.md.

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

_SETTINGS = """
## Settings of the emulation

Environment of the embedded AWS; in-process, the attributes of `localaws.mediaconvert.config.config`.

| variable | default | meaning |
|---|---|---|
| `LOCALAWS_MEDIACONVERT_CONCURRENT_JOBS` | half the cores, at least 2 | jobs converted at once |
| `LOCALAWS_MEDIACONVERT_EVENT_COPIES` | 1 | how often each event is put on the bus |
| `LOCALAWS_MEDIACONVERT_STATUS_UPDATE_SECONDS` | the job's interval | seconds between STATUS_UPDATEs |
| `LOCALAWS_MEDIACONVERT_TOKEN_SECONDS` | 60 | how long a ClientRequestToken gives back its job |
| `LOCALAWS_MEDIACONVERT_CHECK_ROLE` | true | whether the policies of a role that IAM knows count |
"""


def is_emulated(operation: str) -> bool:
    """Whether an operation of the service model is answered."""
    return hasattr(MediaConvertResponse, xform_name(operation))


def table() -> str:
    """The document, in Markdown."""
    operations = sorted(service_model().operation_names)
    rows = "".join(f"| {name} | {'yes' if is_emulated(name) else 'no'} |\n" for name in operations)
    done = sum(map(is_emulated, operations))
    return f"{_HEAD}{rows}\n{done} of {len(operations)} operations.\n{_SETTINGS}"


if __name__ == "__main__":
    sys.stdout.write(table())
