"""The Lambda Runtime API as a worker meets it."""

from __future__ import annotations

import http.client
import threading
import time
from typing import TYPE_CHECKING

import pytest

from localaws.lambda_.runtime_api import PREFIX, Answer, Invocation, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    api = RuntimeApi(idle_seconds=60, on_idle=lambda: None)
    yield api
    api.close()


def invocation(request_id: str = "1") -> Invocation:
    return Invocation(request_id, b'{"a":1}', "arn:live", time.time() + 3, "Root=1", "")


def ask(api: RuntimeApi, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(api.address)
    connection.request(method, PREFIX + path, body)
    answer = connection.getresponse()
    return answer.status, dict(answer.headers), answer.read()


def work(api: RuntimeApi, path: str, body: bytes) -> threading.Thread:
    """A worker that takes one invocation and posts an answer."""

    def run() -> None:
        ask(api, "GET", "/invocation/next")
        ask(api, "POST", path, body)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_next_gives_the_event_and_lambdas_headers(api: RuntimeApi) -> None:
    got = []
    worker = threading.Thread(target=lambda: got.append(ask(api, "GET", "/invocation/next")))
    worker.start()
    api.wait_ready(10)
    given = invocation()
    api.invoke(given, 0)
    worker.join()

    status, headers, body = got[0]
    assert (status, body) == (200, b'{"a":1}')
    assert headers["Lambda-Runtime-Aws-Request-Id"] == "1"
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == "arn:live"
    assert headers["Lambda-Runtime-Deadline-Ms"] == str(int(given.deadline * 1000))
    assert headers["Lambda-Runtime-Trace-Id"] == "Root=1"
    assert "Lambda-Runtime-Client-Context" not in headers


@pytest.mark.parametrize("kind", ["response", "error"])
def test_what_a_worker_posts_is_the_answer(api: RuntimeApi, kind: str) -> None:
    worker = work(api, f"/invocation/1/{kind}", b'"said"')

    answer = api.invoke(invocation(), 10)
    worker.join()

    assert answer == Answer(kind, b'"said"')  # type: ignore[arg-type]


def test_an_initialisation_error_answers_the_next_invocation(api: RuntimeApi) -> None:
    ask(api, "POST", "/init/error", b'"why"')

    assert api.wait_ready(0)
    assert api.invoke(invocation(), 0) == Answer("init-error", b'"why"')


def test_an_answer_to_another_invocation_is_refused(api: RuntimeApi) -> None:
    worker = threading.Thread(target=lambda: ask(api, "GET", "/invocation/next"))
    worker.start()
    api.invoke(invocation("1"), 0.1)
    worker.join()

    assert ask(api, "POST", "/invocation/2/response", b"1")[0] == 400


def test_without_an_answer_in_time_there_is_none(api: RuntimeApi) -> None:
    assert api.invoke(invocation(), 0) is None


def test_when_the_worker_goes_nobody_waits_for_its_answer(api: RuntimeApi) -> None:
    threading.Timer(0.05, api.close).start()

    assert api.invoke(invocation(), 60) is None
    assert api.closed


def test_an_unknown_path_is_not_found(api: RuntimeApi) -> None:
    assert ask(api, "GET", "/somewhere")[0] == 404


def test_an_answer_in_chunks_is_read_whole(api: RuntimeApi) -> None:
    def run() -> None:
        ask(api, "GET", "/invocation/next")
        connection = http.client.HTTPConnection(api.address)
        path = f"{PREFIX}/invocation/1/response"
        connection.request(
            "POST",
            path,
            iter([b'"one', b' two"']),
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        )
        connection.getresponse().read()

    worker = threading.Thread(target=run)
    worker.start()

    answer = api.invoke(invocation(), 10)
    worker.join()

    assert answer == Answer("response", b'"one two"')


def test_a_worker_that_waits_too_long_is_told_on() -> None:
    told = threading.Event()
    api = RuntimeApi(idle_seconds=0.01, on_idle=told.set)
    worker = threading.Thread(target=api.take_next)
    worker.start()

    assert told.wait(10)
    api.close()
    worker.join()
