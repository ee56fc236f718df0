"""Token buckets, by a clock that stands still."""

from __future__ import annotations

from localaws.http_api.apis import Limits
from localaws.http_api.throttling import TokenBuckets


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_is_full_at_first_and_fills_at_its_rate() -> None:
    clock, limits = Clock(), Limits(rate=2, burst=3)
    buckets = TokenBuckets(clock)

    assert [buckets.take("route", limits) for _ in range(4)] == [True, True, True, False]
    clock.now = 0.5
    assert [buckets.take("route", limits) for _ in range(2)] == [True, False]
    clock.now = 100
    assert [buckets.take("route", limits) for _ in range(4)] == [True, True, True, False]


def test_routes_have_their_own_buckets() -> None:
    buckets, limits = TokenBuckets(Clock()), Limits(rate=1, burst=1)

    assert [buckets.take(route, limits) for route in ("a", "b", "a")] == [True, True, False]


def test_limits_of_nought_let_nothing_through() -> None:
    assert not TokenBuckets(Clock()).take("route", Limits(rate=0, burst=0))


def test_changed_limits_count_at_once() -> None:
    buckets = TokenBuckets(Clock())
    buckets.take("route", Limits(rate=1, burst=100))

    assert [buckets.take("route", Limits(rate=1, burst=1)) for _ in range(2)] == [True, False]
