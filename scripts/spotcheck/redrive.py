"""`spotcheck redrive`: replays the dead-letter queue, and sets aside what no replay can mend."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from botocore.exceptions import ClientError
from rich.text import Text

from spotcheck import targets
from spotcheck.console import err, out, print_json
from spotcheck.dead_letters import SET_ASIDE, DeadLetter, Queue, handlers_of, read
from spotcheck.exceptions import DeadLetterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from spotcheck.dead_letters import Message

MAX_TRIES = 3
_SHOWN = 20  # errors; the commonest first
# What Lambda refuses however often it is asked.
_HOPELESS = {
    "ResourceNotFoundException",
    "InvalidRequestContentException",
    "RequestTooLargeException",
    "InvalidParameterValueException",
}


def redrive(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    rate: Annotated[float, typer.Option(min=0.1, help="Replay at most so many events a second.")] = 10.0,
    tries: Annotated[
        int, typer.Option(min=1, help="Set an event aside that failed after so many replays.")
    ] = MAX_TRIES,
    again: Annotated[bool, typer.Option("--again", help="Replay what was set aside, not the queue.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    local: Annotated[bool, typer.Option("--local", help="Of the embedded AWS.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="Of the AWS account.")] = False,
) -> None:
    """Replay the events of the dead-letter queue until it is empty.

    A message is deleted only after its event was accepted, so stopping it and starting it again loses
    nothing. An event that fails after three replays, or that no function can take, is set aside under
    set-aside/ in the results bucket with the reason; exit code 1 when that happened.
    """
    target = targets.resolve(local=local, aws=aws)
    summary = run(target, rate=rate, max_tries=tries, again=again, dry_run=dry_run, show=_show_progress)
    if json:
        print_json(summary.to_dict())
    else:
        _print(summary, dry_run=dry_run)
    if summary.set_aside or summary.left:
        raise typer.Exit(1)


@dataclass(slots=True)
class Failure:
    """Why events failed before they were replayed.

    Attributes:
        handler: Whose error it is.
        error: Its words.
        example: What the first of the events is about.
        count: How many events met it.
    """

    handler: str
    error: str
    example: str
    count: int = 0


@dataclass(slots=True)
class Summary:
    """What was done.

    Attributes:
        replayed: Handler to number of events.
        failures: Why those had failed, by handler and error.
        set_aside: Identity and reason of each event that was set aside.
        left: What could not be replayed this time, and stays where it is.
    """

    replayed: dict[str, int] = field(default_factory=dict)
    failures: dict[tuple[str, str], Failure] = field(default_factory=dict)
    set_aside: list[dict[str, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Events that Lambda has taken."""
        return sum(self.replayed.values())

    def add(self, letter: DeadLetter) -> None:
        """Notes an event that was replayed."""
        self.replayed[letter.handler] = self.replayed.get(letter.handler, 0) + 1
        failure = Failure(letter.handler, letter.error, letter.subject)
        self.failures.setdefault((letter.handler, letter.error), failure).count += 1

    def to_dict(self) -> dict[str, Any]:
        """As `spotcheck redrive --json` prints it."""
        return {
            "replayed": self.replayed,
            "failures": [asdict(failure) for failure in self.failures.values()],
            "set_aside": self.set_aside,
            "left": self.left,
        }


class Redriver:
    """Replays events one by one.

    Attributes:
        summary: What has been done so far.

    Args:
        invoke: Starts a handler with an event (JSON), asynchronously.
        set_aside: Keeps what cannot be mended: identity and description.
        handlers: The stack's handlers: function name to handler.
        rate: At most so many events a second.
        max_tries: Replays after which an event that fails again is set aside.
        clock: Seconds, monotonic.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        invoke: Callable[[str, str], None],
        set_aside: Callable[[str, dict[str, Any]], None],
        handlers: Mapping[str, str],
        *,
        rate: float,
        max_tries: int = MAX_TRIES,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._invoke = invoke
        self._set_aside = set_aside
        self._handlers = handlers
        self._gap = 1.0 / rate
        self._max_tries = max_tries
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self.summary = Summary()

    def message(self, message: Message) -> bool:
        """Deals with one message of the queue.

        Returns:
            Whether it may be deleted.
        """
        try:
            letter = read(message.body, message.target_arn, self._handlers)
        except DeadLetterError as error:
            self._put_aside(_identity(message.body), str(error), {"body": message.body})
            return True
        if letter.tries >= self._max_tries:
            reason = f"replayed {letter.tries} times, and failed again: {letter.error}"
            self._put_aside(letter.identity, reason, _described(letter))
            return True
        return self.replay(letter)

    def replay(self, letter: DeadLetter) -> bool:
        """Starts an event's handler anew, at the rate; False when Lambda does not take it now."""
        self._sleep(max(0.0, self._next - self._clock()))
        self._next = self._clock() + self._gap
        try:
            self._invoke(letter.handler, letter.payload)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _HOPELESS:
                self._put_aside(letter.identity, f"Lambda refuses it: {error}", _described(letter))
                return True
            self.summary.left.append(str(error))
            return False
        self.summary.add(letter)
        return True

    def _put_aside(self, identity: str, reason: str, described: dict[str, Any]) -> None:
        date = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._set_aside(identity, {"reason": reason, "date": date, **described})
        self.summary.set_aside.append({"id": identity, "reason": reason})


def run(
    target: targets.Target,
    *,
    rate: float = 10.0,
    max_tries: int = MAX_TRIES,
    again: bool = False,
    dry_run: bool = False,
    show: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, _: items,
) -> Summary:
    """Replays what is in the queue of a stack, or what was set aside.

    Args:
        target: The stack.
        rate: At most so many events a second.
        max_tries: Replays after which an event that fails again is set aside.
        again: Replay what was set aside.
        dry_run: Change nothing: say what would be done.
        show: Wraps what is gone through in a progress bar, told about how many there are.
    """
    functions, s3 = target.client("lambda"), target.client("s3")
    bucket, names = target.outputs["results_bucket"], target.outputs["function_names"]

    def invoke(handler: str, payload: str) -> None:
        if not dry_run:
            functions.invoke(
                FunctionName=names[handler], Qualifier="live", InvocationType="Event", Payload=payload
            )

    def set_aside(identity: str, described: dict[str, Any]) -> None:
        if not dry_run:
            body = json.dumps(described, ensure_ascii=False, indent=2).encode()
            s3.put_object(
                Bucket=bucket, Key=f"{SET_ASIDE}{identity}.json", Body=body, ContentType="application/json"
            )

    redriver = Redriver(
        invoke, set_aside, handlers_of(target), rate=1e9 if dry_run else rate, max_tries=max_tries
    )
    if again:
        _replay_set_aside(redriver, s3, bucket, show, dry_run=dry_run)
        return redriver.summary
    queue = Queue(target.client("sqs"), target.outputs["dead_letter_queue_url"])
    for message in show(queue.peek() if dry_run else queue.messages(), len(queue)):
        if redriver.message(message) and not dry_run:
            queue.delete(message)
    return redriver.summary


def _replay_set_aside(
    redriver: Redriver,
    s3: Any,  # noqa: ANN401 - boto3's client
    bucket: str,
    show: Callable[[Iterable[Any], int], Iterable[Any]],
    *,
    dry_run: bool,
) -> None:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=SET_ASIDE)
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    for key in show(keys, len(keys)):
        kept = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        if "event" not in kept:
            redriver.summary.left.append(f"{key}: {kept['reason']}")
            continue
        before = redriver.summary.accepted
        redriver.replay(DeadLetter(kept["handler"], kept["event"], 0, kept.get("error", kept["reason"])))
        if redriver.summary.accepted > before and not dry_run:
            s3.delete_object(Bucket=bucket, Key=key)


def _described(letter: DeadLetter) -> dict[str, Any]:
    return {
        "handler": letter.handler,
        "uploads": letter.uploads(),
        "error": letter.error,
        "event": letter.event,
    }


def _identity(body: str) -> str:
    from hashlib import sha256

    return sha256(body.encode()).hexdigest()[:32]


def _show_progress(items: Iterable[Any], total: int) -> Iterable[Any]:
    from rich.progress import MofNCompleteColumn, Progress

    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=err, transient=True) as bar:
        task = bar.add_task("replaying", total=total)
        for number, item in enumerate(items, 1):
            yield item
            bar.update(task, completed=number, total=max(total, number))


def _print(summary: Summary, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    for handler, count in sorted(summary.replayed.items()):
        out.print(f"{count} for {handler} {would}replayed", highlight=False)
    for failure in sorted(summary.failures.values(), key=lambda one: -one.count)[:_SHOWN]:
        words = f"  {failure.count} {failure.handler}: {failure.error} ({failure.example})"
        out.print(Text(words, "dim"), soft_wrap=True)
    for one in summary.set_aside:
        out.print(Text(f"{SET_ASIDE}{one['id']}.json {would}set aside: {one['reason']}", "yellow"))
    for reason in summary.left:
        out.print(Text(f"left where it is: {reason}", "red"))
    if not (summary.accepted or summary.set_aside or summary.left):
        out.print("nothing to replay")
