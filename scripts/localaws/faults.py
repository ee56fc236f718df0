"""Faults that the embedded AWS makes on request: what, how often, where; seeded and counted.

A rule has a number of its own for every call, delivery or attempt that it matches, and whether the n-th is
hit depends on the seed, the rule and n only. The same seed therefore hits the same share of the same traffic,
in the same order; which picture that is depends on how the functions happen to interleave.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from localaws.exceptions import FaultPlanError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CALL_KINDS = frozenset(
    {"error", "throttle", "denied", "clock", "late", "reset", "cut", "lost-answer", "kill", "kill-after"}
)
DELIVERY_KINDS = frozenset({"duplicate", "reorder", "skew"})
ATTEMPT_KINDS = frozenset({"refuse", "timeout"})
KINDS = CALL_KINDS | DELIVERY_KINDS | ATTEMPT_KINDS
CALLERS = ("functions", "everyone")
_DEFAULT_SECONDS = {"late": 0.5, "duplicate": 30.0, "reorder": 30.0, "skew": 300.0, "timeout": 0.1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of fault.

    Attributes:
        kind: Of a call: `error` (500), `throttle`, `denied`, `clock` (the caller's clock is wrong, so its
            signature does not count), `late`, `reset` (connection dropped, nothing done), `cut` (dropped in
            the middle of the answer's body), `lost-answer` (done, then dropped), `kill` and `kill-after`
            (the calling worker is killed before or after the service did its part). Of a delivery:
            `duplicate`, `reorder`, `skew` (its time is wrong). Of an asynchronous attempt: `refuse`
            (throttled), `timeout`.
        rate: Share of what matches that is hit, 0 to 1.
        service: Of a call its endpoint prefix (`s3`), of a delivery `s3` or `events`; a pattern with `*`.
        operation: Of a call, such as `PutObject`; a pattern with `*`.
        resource: Of a call the request's path, decoded; else the function's ARN; a pattern with `*`.
        seconds: At most so long (`late`, `timeout`), or so many of AWS's seconds (`duplicate`, `reorder`,
            `skew`); None takes the kind's own.
        callers: `functions` hits calls of deployed functions only, `everyone` clients too.
    """

    kind: str
    rate: float
    service: str = "*"
    operation: str = "*"
    resource: str = "*"
    seconds: float | None = None
    callers: str = "functions"

    def matches(self, service: str, operation: str, resource: str, *, function: bool) -> bool:
        """Whether it is about such a call, delivery or attempt."""
        return (
            (function or self.callers == "everyone")
            and fnmatchcase(service, self.service)
            and fnmatchcase(operation, self.operation)
            and fnmatchcase(resource, self.resource)
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that hit.

    Attributes:
        kind: The rule's.
        seconds: Between 0 and the rule's.
    """

    kind: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What faults to make.

    Attributes:
        seed: Another seed hits others.
        rules: All are asked, in this order.
    """

    seed: int = 0
    rules: tuple[Rule, ...] = field(default=())

    @classmethod
    def from_json(cls, text: str | bytes) -> Plan:
        """Reads `{"seed": 1, "rules": [{"kind": "throttle", "rate": 0.05, "service": "dynamodb"}]}`.

        Raises:
            FaultPlanError: It is no such thing; the message says where.
        """
        try:
            data = json.loads(text)
            rules = tuple(_rule(given) for given in data.get("rules", ()))
            return cls(int(data.get("seed", 0)), rules)
        except (ValueError, TypeError, AttributeError) as error:
            message = f'The fault plan cannot be read ({error}): {{"seed": 1, "rules": [{{"kind": …}}]}}.'
            raise FaultPlanError(message) from error


class Faults:
    """Draws which calls, deliveries and attempts are hit, and counts them.

    Args:
        plan: What to begin with.
    """

    def __init__(self, plan: Plan | None = None) -> None:
        self._lock = threading.Lock()
        self.replace(plan or Plan())

    def replace(self, plan: Plan) -> None:
        """Starts another plan; counts begin again."""
        with self._lock:
            self._plan = plan
            self._numbers: Counter[int] = Counter()
            self._injected: Counter[str] = Counter()
            self._seen: Counter[str] = Counter()

    def status(self) -> dict[str, Any]:
        """The plan, what has been injected by kind, and how much was looked at."""
        with self._lock:
            return {
                "seed": self._plan.seed,
                "rules": [asdict(rule) for rule in self._plan.rules],
                "injected": dict(sorted(self._injected.items())),
                "seen": dict(sorted(self._seen.items())),
            }

    def on_call(self, service: str, operation: str, resource: str, *, function: bool) -> list[Hit]:
        """Faults of one call of an AWS service.

        Args:
            service: Its endpoint prefix.
            operation: Its name.
            resource: The request's path, decoded.
            function: Whether a deployed function calls.
        """
        return list(self._draw("calls", CALL_KINDS, service, operation, resource, function=function))

    def on_delivery(self, source: str, function_arn: str) -> list[Hit]:
        """Faults of one event's delivery; the source is `s3` or `events`."""
        return list(self._draw("deliveries", DELIVERY_KINDS, source, "*", function_arn))

    def on_attempt(self, function_arn: str) -> list[Hit]:
        """Faults of one attempt to hand an asynchronous event to a function."""
        return list(self._draw("attempts", ATTEMPT_KINDS, "lambda", "Invoke", function_arn))

    def _draw(
        self,
        place: str,
        kinds: frozenset[str],
        service: str,
        operation: str,
        resource: str,
        *,
        function: bool = True,
    ) -> Iterator[Hit]:
        with self._lock:
            if not self._plan.rules:
                return
            self._seen[place] += function or place != "calls"
            for index, rule in enumerate(self._plan.rules):
                if rule.kind not in kinds or not rule.matches(
                    service, operation, resource, function=function
                ):
                    continue
                self._numbers[index] += 1
                chance, share = _draws(self._plan.seed, index, self._numbers[index])
                if chance < rule.rate:
                    self._injected[rule.kind] += 1
                    most = _DEFAULT_SECONDS.get(rule.kind, 0.0) if rule.seconds is None else rule.seconds
                    yield Hit(rule.kind, share * most)


def read_plan(file: Path | None) -> Plan:
    """The plan in a JSON file; none makes no faults.

    Raises:
        FaultPlanError: It cannot be read.
    """
    if file is None:
        return Plan()
    try:
        text = file.read_bytes()
    except OSError as error:
        message = f"The fault plan {file} cannot be read: {error.strerror}."
        raise FaultPlanError(message) from error
    return Plan.from_json(text)


def _rule(given: Mapping[str, Any]) -> Rule:
    unknown = set(given) - {one.name for one in fields(Rule)}
    if unknown:
        message = f"a rule has no {', '.join(sorted(unknown))}"
        raise ValueError(message)
    rule = Rule(**given)
    if rule.kind not in KINDS:
        message = f"there is no kind {rule.kind!r}, only {', '.join(sorted(KINDS))}"
        raise ValueError(message)
    if not 0 <= rule.rate <= 1:
        message = f"the rate of {rule.kind} is {rule.rate}, not between 0 and 1"
        raise ValueError(message)
    if rule.callers not in CALLERS:
        message = f"callers are {' or '.join(CALLERS)}, not {rule.callers!r}"
        raise ValueError(message)
    return rule


def _draws(seed: int, index: int, number: int) -> tuple[float, float]:
    """Two numbers in [0, 1) that depend on nothing else."""
    digest = blake2b(f"{seed}/{index}/{number}".encode(), digest_size=16).digest()
    first, second = (int.from_bytes(half, "big") / 2**64 for half in (digest[:8], digest[8:]))
    return first, second
