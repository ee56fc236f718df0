"""Where the command prints: results on stdout, everything about the work on stderr."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console

out = Console()
err = Console(stderr=True)


def print_json(data: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Prints `data` as JSON on stdout, plain enough for a pipe."""
    print(json.dumps(data, indent=2, ensure_ascii=False))
