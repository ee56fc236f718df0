"""An embedded AWS: moto in one process, and what moto lacks: Lambda that runs."""

from __future__ import annotations

from localaws.session import Running, running

__all__ = ["Running", "running"]
