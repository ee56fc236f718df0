"""One lock for each moto service.

moto's backends are plain dictionaries and lists without locks. Two requests at once can both find a
condition true (`If-None-Match`, a conditional PutItem) and both write, or break an iteration; AWS would let
exactly one win.
"""

from __future__ import annotations

import threading
from collections import defaultdict

_registry_lock = threading.Lock()
_locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)


def service_lock(service: str) -> threading.RLock:
    """The lock under which a service's requests (`s3`, `dynamodb`, `logs`…) run one at a time."""
    with _registry_lock:
        return _locks[service]
