"""Which job runs when: priority, then first come; paused queues wait; so many at once and no more.

Jobs run in threads: PyAV gives the interpreter's lock back while it decodes, scales and encodes, so that a
server answers within a millisecond or two beside a running conversion (measured, see the decision record).
A thread lives as long as its job.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from localaws.mediaconvert.config import config

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.mediaconvert.jobs import Job


class Scheduler:
    """Starts jobs of one region.

    Args:
        run: Runs a job to its end; called in a thread of its own.
    """

    def __init__(self, run: Callable[[Job], None]) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._waiting: list[Job] = []
        self._running: dict[Job, threading.Thread] = {}
        self._closed = False

    def submit(self, job: Job) -> None:
        """Adds a job, and starts it if there is room."""
        with self._lock:
            self._waiting.append(job)
        self.wake()

    def cancel(self, job: Job) -> None:
        """Takes a job out, waiting or running."""
        job.stop()
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)

    def wake(self) -> None:
        """Starts whatever may start now; to be called when a queue has changed."""
        with self._lock:
            while (job := self._next()) is not None:
                self._waiting.remove(job)
                thread = threading.Thread(target=self._work, args=(job,), name=f"job {job.id}", daemon=True)
                self._running[job] = thread
                thread.start()

    def close(self, seconds: float = 2.0) -> None:
        """Stops every job and waits for their threads, this long at most each."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            running = dict(self._running)
        for job in running:
            job.stop()
        for thread in running.values():
            thread.join(seconds)

    def _next(self) -> Job | None:
        if self._closed or len(self._running) >= config.concurrent_jobs:
            return None
        ready = [job for job in self._waiting if job.queue.status == "ACTIVE" and self._has_room(job)]
        return min(ready, key=lambda job: (-job.priority, job.sequence), default=None)

    def _has_room(self, job: Job) -> bool:
        return sum(other.queue is job.queue for other in self._running) < job.queue.concurrent_jobs

    def _work(self, job: Job) -> None:
        try:
            self._run(job)
        finally:
            with self._lock:
                self._running.pop(job, None)
            self.wake()
