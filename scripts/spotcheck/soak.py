"""The soak (`make soak`): thousands of uploads through the deployed stack while everything fails.

It goes on until nothing is under way, replays the dead letters until there are none, and audits. A run that
lost, doubled or mixed up anything fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chalicelib.exceptions import SpotcheckError
from chalicelib.records import timestamp
from spotcheck import embedded, targets
from spotcheck.audit import audited
from spotcheck.console import err, out
from spotcheck.dead_letters import Queue
from spotcheck.exceptions import SoakError
from spotcheck.soak_load import faults, load, picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from spotcheck.soak_load import Piece
    from spotcheck.targets import Target

SOAK_DIR = targets.BUILD_DIR / "soak"
UPLOADS = 5000
_WORKERS = 8
_SENDERS = 8
_BACKLOG = 150  # uploads under way at once: some keys are uploaded again while they are being judged
_QUIET_SECONDS = 900.0
_ROUNDS = 12
_TRAIN = 24


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploys a stack of its own, soaks it, writes build/soak/summary.json; 1 when a promise is broken."""
    parser = argparse.ArgumentParser("python -m spotcheck.soak", description=__doc__)
    parser.add_argument("--uploads", type=int, default=UPLOADS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=_WORKERS, help="functions that run at once")
    options = parser.parse_args(arguments)

    from spotcheck.up import bring_up, end_as_ctrl_c_does

    end_as_ctrl_c_does()
    state_dir = SOAK_DIR / "localaws"
    try:
        err.print("embedded AWS, deployed with Terraform ...")
        standing = bring_up(0, state_dir=state_dir, options=("--max-concurrency", str(options.workers)))
        target = targets.Target("local", standing.outputs, targets.LOCAL_ACCOUNT)
        target.registry().publish(_model(), {})
        summary = Soak(target, options.uploads, options.seed).run(publish=_model())
    except SpotcheckError as error:
        err.print(f"error: {error}", style="bold red", markup=False, soft_wrap=True)
        return 1
    finally:
        embedded.stop_server(state_dir)
    write(summary, SOAK_DIR / "summary.json")
    show(summary)
    return 1 if broken(summary) else 0


@dataclass
class Soak:
    """One run.

    Attributes:
        target: The stack, on the embedded AWS; a model is published.
        uploads: How many.
        seed: Of load and faults.
        prefix: What the names of this run's uploads begin with.
    """

    target: Target
    uploads: int
    seed: int = 1
    prefix: str = "soak"
    _injected: Counter[str] = field(default_factory=Counter)
    _seen: Counter[str] = field(default_factory=Counter)
    _sent: list[tuple[str, str, str]] = field(default_factory=list)

    def run(self, publish: bytes | None = None) -> dict[str, Any]:
        """Loads, waits, replays, audits.

        Args:
            publish: A model to publish half-way: the verdicts of the first one must stand.

        Returns:
            The summary; `lost`, `duplicated` and `wrong_version` are to be 0.

        Raises:
            SoakError: It does not come to rest.
        """
        began = time.monotonic()
        since = timestamp(datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1))
        try:
            self._set_faults(faults(outage=True))
            sent = self._send(publish)
            loaded = time.monotonic()
            self._await_quiet()
            self._set_faults(faults(outage=False))
            replayed, set_aside = self._redrive()
        finally:
            self._set_faults([])
        quiet = time.monotonic()
        with audited(self.target, since=since) as report:
            found = {name: list(rows) for name, rows in report.findings().items()}
            counts = report.counts()
            verdicts = report.ledger.dates()
        return {
            "uploads": sum(sent.values()),
            "lost": len(found["missing"]),
            "duplicated": len(found["duplicates"]),
            "wrong_version": len(found["wrong_version"]),
            "faults_injected": self._injected.total(),
            "dead_letters": replayed + set_aside,
            "set_aside": set_aside,
            "sent": dict(sent),
            "overtaken": overtaken(self._sent, verdicts),
            "outcomes": counts,
            "faults": dict(sorted(self._injected.items())),
            "error_share": round(self._injected["error"] / max(1, self._seen["calls"]), 4),
            "duplicate_share": round(self._injected["duplicate"] / max(1, self._seen["deliveries"]), 4),
            "calls": self._seen["calls"],
            "deliveries": self._seen["deliveries"] + self._injected["duplicate"],
            "attempts": self._seen["attempts"],
            "retries": self._seen["attempts"]
            - self._seen["deliveries"]
            - self._injected["duplicate"]
            - replayed,
            "findings": {name: rows[:20] for name, rows in found.items()},
            "seconds": {
                "load": round(loaded - began, 1),
                "settle": round(quiet - loaded, 1),
                "audit": round(time.monotonic() - quiet, 1),
            },
        }

    def _send(self, publish: bytes | None) -> Counter[str]:
        s3, sent = self.target.client("s3"), Counter[str]()
        buckets = {True: self.target.outputs["videos_bucket"], False: self.target.outputs["images_bucket"]}
        keys: set[str] = set()
        sending: list[Future[None]] = []

        def send(piece: Piece) -> None:
            put = s3.put_object(Bucket=buckets[piece.is_video], Key=piece.key, Body=piece.content)
            self._sent.append((piece.key, put["VersionId"], timestamp(datetime.now(UTC))))

        with ThreadPoolExecutor(_SENDERS) as pool:
            for number, piece in enumerate(load(self.uploads, self.seed, self.prefix)):
                if number % 25 == 0:
                    self._await_room(number)
                if publish and number == self.uploads // 2:
                    self.target.registry().publish(publish, {})
                sent["videos" if piece.is_video else "again" if piece.key in keys else "pictures"] += 1
                keys.add(piece.key)
                sending.append(pool.submit(send, piece))
        for one in sending:
            one.result()  # an upload that S3 refused would be neither sent nor lost
        return sent

    def _await_room(self, number: int) -> None:
        while self._under_way() > _BACKLOG:
            time.sleep(0.1)
        if number % 500 == 0:
            err.print(f"{number} of {self.uploads} uploaded", highlight=False)

    def _await_quiet(self) -> None:
        """Waits until no event is under way and no job runs.

        Raises:
            SoakError: That does not come to pass in time.
        """
        deadline, calm = time.monotonic() + _QUIET_SECONDS, 0
        while calm < 2:
            if time.monotonic() > deadline:
                msg = f"after {_QUIET_SECONDS:.0f} s still {self._under_way()} events are under way"
                raise SoakError(msg)
            calm = 0 if self._under_way() or self._jobs_run() else calm + 1
            time.sleep(0.3)

    def _under_way(self) -> int:
        functions = _ask(self.target, "health")["lambda"]
        return int(functions["queued"] + functions["running"])

    def _jobs_run(self) -> bool:
        jobs = self.target.client("mediaconvert")
        return any(jobs.list_jobs(Status=status)["Jobs"] for status in ("SUBMITTED", "PROGRESSING"))

    def _redrive(self) -> tuple[int, int]:
        """Replays until the queue is empty and nothing is under way: replayed and set aside."""
        from spotcheck.redrive import run

        queue = Queue(self.target.client("sqs"), self.target.outputs["dead_letter_queue_url"])
        replayed = set_aside = 0
        for _ in range(_ROUNDS):
            self._await_quiet()
            if not len(queue):
                break
            summary = run(self.target, rate=200)
            replayed += summary.accepted
            set_aside += len(summary.set_aside)
        return replayed, set_aside

    def _set_faults(self, rules: list[dict[str, Any]]) -> None:
        """Changes the faults; what the ones before injected is added up."""
        status = _ask(self.target, "faults")
        self._injected.update(status["injected"])
        self._seen.update(status["seen"])
        _ask(self.target, "faults", {"seed": self.seed, "rules": rules})


def overtaken(sent: Iterable[tuple[str, str, str]], verdicts: Mapping[tuple[str, str], str]) -> int:
    """How many uploads had no verdict yet when their key was uploaded again.

    Args:
        sent: Key, version and time of each upload, ISO 8601 UTC.
        verdicts: Key and version => time of the verdict.
    """
    by_key: dict[str, list[tuple[str, str]]] = {}
    for key, version, moment in sent:
        by_key.setdefault(key, []).append((moment, version))
    return sum(
        verdicts.get((key, version), "") > later
        for key, uploads in by_key.items()
        for (_, version), (later, _) in pairwise(sorted(uploads))
    )


def broken(summary: dict[str, Any]) -> bool:
    """Whether a run lost, doubled or mixed up anything."""
    return any(summary[name] for name in ("lost", "duplicated", "wrong_version", "set_aside"))


def write(summary: dict[str, Any], file: Path) -> None:
    """Writes the summary as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def show(summary: dict[str, Any]) -> None:
    """Prints load, faults, retries, dead letters and the final state."""
    lines = {
        "load": f"{summary['uploads']} uploads: {_listed(summary['sent'])}, "
        f"{summary['overtaken']} overtaken by the next version",
        "seconds": _listed(summary["seconds"]),
        "faults": f"{summary['faults_injected']} injected: {_listed(summary['faults'])}",
        "work": f"{summary['calls']} calls, {summary['deliveries']} deliveries, {summary['retries']} retries",
        "dead letters": f"{summary['dead_letters']} replayed or set aside ({summary['set_aside']})",
        "outcomes": _listed(summary["outcomes"]),
        "result": _listed({name: summary[name] for name in ("lost", "duplicated", "wrong_version")}),
    }
    for name, line in lines.items():
        out.print(f"{name:>13}  {line}", highlight=False, soft_wrap=True)
    for name in ("missing", "duplicates", "wrong_version"):
        for row in summary["findings"][name]:
            out.print(f"  {name}: {row}", highlight=False, markup=False, soft_wrap=True)


def _listed(counts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _ask(target: Target, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Reads, or with a body sets, what the embedded AWS says of itself."""
    request = urllib.request.Request(  # noqa: S310 - the loopback address of the embedded AWS
        f"{target.endpoint_url}/_localaws/{what}",
        data=None if body is None else json.dumps(body).encode(),
        method="GET" if body is None else "PUT",
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=60) as answer:
        return dict(json.load(answer))


def _model() -> bytes:
    from chalicelib.training import NamedPicture, TrainingConfig, train

    normal = [seed for seed in range(_TRAIN * 2) if seed % 6][:_TRAIN]
    pictures = [NamedPicture.of_bytes(f"{seed:02}.jpg", picture(seed)) for seed in normal]
    return train(pictures, TrainingConfig()).model


if __name__ == "__main__":
    sys.exit(main())
