"""What a long command is doing: live rows on a terminal, one line for each finished phase anywhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from spotcheck.console import err

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import TaskID


class Phases:
    """The phases of a command, some of them at the same time. Use it as a context manager.

    Args:
        console: Where to show them.

    Attributes:
        seconds: How long each finished phase took, by name.
    """

    def __init__(self, console: Console = err) -> None:
        self.seconds: dict[str, float] = {}
        self._rows = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("[dim]{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> Self:
        """Begins to show them."""
        self._rows.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Takes what is left of them off the screen."""
        self._rows.stop()

    @contextmanager
    def phase(self, name: str, title: str) -> Iterator[Phase]:
        """Shows one phase while the block runs, and how long it took when it ends.

        Args:
            name: Its name in `seconds`.
            title: What people read.
        """
        row = Phase(self._rows, self._rows.add_task(title, total=None, note=""))
        began = time.monotonic()
        try:
            yield row
        finally:
            self._rows.remove_task(row.task)
        took = self.seconds[name] = round(time.monotonic() - began, 1)
        self._rows.console.print(f"[green]✓[/] {title} [dim]{row.note} {took:.1f} s[/]", highlight=False)


class Phase:
    """One running phase.

    Attributes:
        task: Its row.
        note: What was said last.
    """

    def __init__(self, rows: Progress, task: TaskID) -> None:
        self.task = task
        self.note = ""
        self._rows = rows

    def say(self, note: str) -> None:
        """Shows a few words beside the phase; the last ones stay."""
        self.note = note
        self._rows.update(self.task, note=note)

    def progress(self, done: int, total: int) -> None:
        """Shows how far it is."""
        self._rows.update(self.task, completed=done, total=total)
