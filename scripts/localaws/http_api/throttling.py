"""Token buckets: how API Gateway throttles a route.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from localaws.http_api.apis import Limits


class TokenBuckets:
    """One bucket for each route, full at first.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: dict[Hashable, tuple[float, float]] = {}  # tokens, when counted

    def take(self, key: Hashable, limits: Limits) -> bool:
        """Takes a token for a request.

        Args:
            key: names the bucket.
            limits: how many tokens it holds (burst) and gains a second (rate), as they stand now.

        Returns:
            Whether there was one.
        """
        with self._lock:
            now = self._clock()
            tokens, counted = self._levels.get(key, (float(limits.burst), now))
            tokens = min(limits.burst, tokens + (now - counted) * limits.rate)
            taken = tokens >= 1
            self._levels[key] = (tokens - taken, now)
            return taken
