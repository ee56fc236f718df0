"""The server as a process: how it starts, what it says, and that nothing of it is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from support_localaws import Desk, eventually

import localaws
from localaws.exceptions import ServerStartError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLEEPS = "import os, time\ndef handler(event, context):\n    time.sleep(event)\n    return os.getpid()\n"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Desk]:
    """A server that the test may kill."""
    with localaws.running(tmp_path / "state", max_concurrency=2) as aws:
        desk = Desk(aws)
        desk.prepare()
        yield desk


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid  # ours, and no more than an entry in the table
    except ChildProcessError:
        return False


def busy_and_idle_worker(desk: Desk) -> list[int]:
    """Process ids of two workers: an idle one and one in the middle of an invocation."""
    idle, _ = desk.invoke(desk.deploy(SLEEPS), 0)
    name = desk.deploy(SLEEPS, Timeout=60)
    busy, _ = desk.invoke(name, 0)
    desk.invoke(name, 60, InvocationType="Event")
    eventually(lambda: desk.aws.health()["lambda"]["queued"] == 0)
    return [int(idle), int(busy)]


def test_health_says_who_serves_and_how_functions_run(desk: Desk) -> None:
    health = desk.aws.health()

    assert health["status"] == "ready"
    assert health["pid"] == desk.aws.pid
    assert health["lambda"]["client"] in ("awslambdaric", "pure-python")
    assert 0 <= health["lambda"]["workers"] <= health["lambda"]["max_concurrency"] == 3
    assert health["lambda"]["queued"] >= 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_server(own: Desk, number: signal.Signals) -> None:
    workers = busy_and_idle_worker(own)

    os.kill(own.aws.pid, number)

    eventually(lambda: gone(own.aws.pid))
    eventually(lambda: all(gone(pid) for pid in workers))


def test_a_server_does_not_outlive_the_program_that_started_it(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time, localaws\n"
        "with localaws.running(pathlib.Path(sys.argv[1])) as aws:\n"
        "    print(aws.pid, flush=True)\n"
        "    time.sleep(1000)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    server = int(starter.stdout.readline())

    starter.kill()
    starter.wait()
    starter.stdout.close()

    eventually(lambda: gone(server))


def test_what_a_handler_started_ends_with_its_worker(own: Desk) -> None:
    source = (
        "import subprocess\nchildren = []\ndef handler(event, context):\n"
        "    children.append(subprocess.Popen(['sleep', '1000']))\n    return children[0].pid\n"
    )
    child, _ = own.invoke(own.deploy(source))

    os.kill(own.aws.pid, signal.SIGTERM)

    eventually(lambda: gone(own.aws.pid))
    eventually(lambda: gone(child))


def test_a_second_server_on_the_port_says_so_in_one_line(desk: Desk, tmp_path: Path) -> None:
    port = desk.aws.endpoint_url.rsplit(":", 1)[1]

    second = subprocess.run(
        [sys.executable, "-m", "localaws", "--port", port, "--state-dir", str(tmp_path / "second")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert second.stdout == ""
    (line,) = second.stderr.splitlines()
    assert line.startswith(f"localaws: Port {port} of 127.0.0.1 is taken")


def test_running_tells_why_a_server_did_not_start(desk: Desk, tmp_path: Path) -> None:
    port = int(desk.aws.endpoint_url.rsplit(":", 1)[1])

    with (
        pytest.raises(ServerStartError, match=f"Port {port} of 127.0.0.1 is taken"),
        localaws.running(tmp_path / "second", port=port),
    ):
        pass


def test_it_listens_on_the_loopback_interface_only(desk: Desk) -> None:
    port = int(desk.aws.endpoint_url.rsplit(":", 1)[1])
    names = {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}

    for address in names - {"127.0.0.1"}:
        if address.startswith("127."):
            continue
        with pytest.raises(OSError):  # noqa: PT011  # refused or unreachable, by the system
            socket.create_connection((address, port), timeout=1)


def test_requests_share_a_connection(desk: Desk) -> None:
    import http.client

    connection = http.client.HTTPConnection(desk.aws.endpoint_url.removeprefix("http://"))
    connection.request("PUT", "/seen/kept", b"x" * 100_000)
    first = connection.getresponse()
    first.read()
    local = connection.sock
    connection.request("GET", "/_localaws/health")
    second = connection.getresponse()

    assert (first.status, second.status) == (200, 200)
    assert connection.sock is local


def test_a_body_in_chunks_is_read_whole(desk: Desk) -> None:
    pieces = iter([b"one ", b"two"])
    request = urllib.request.Request(f"{desk.aws.endpoint_url}/seen/chunks", data=pieces, method="PUT")
    with urllib.request.urlopen(request):
        pass

    assert desk.client("s3").get_object(Bucket="seen", Key="chunks")["Body"].read() == b"one two"


def test_an_unknown_path_of_its_own_is_not_found(desk: Desk) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{desk.aws.endpoint_url}/_localaws/nothing")

    assert caught.value.code == 404


def test_an_idle_worker_is_not_kept_for_ever(tmp_path: Path) -> None:
    with localaws.running(tmp_path / "state", idle_seconds=0.2) as aws:
        desk = Desk(aws)
        desk.prepare()
        pid, _ = desk.invoke(desk.deploy(SLEEPS), 0)

        eventually(lambda: aws.health()["lambda"]["workers"] == 0)
        eventually(lambda: gone(pid))


def test_only_one_of_many_conditional_writes_wins(desk: Desk) -> None:
    desk.client("dynamodb").create_table(
        TableName="race",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    winners: list[str] = []
    barrier = threading.Barrier(8)

    def attempt(write: Any, word: str) -> None:
        barrier.wait()
        try:
            write()
        except Exception as error:  # noqa: BLE001  # the losers' errors are what is expected
            assert "onditional" in str(error) or "PreconditionFailed" in str(error)  # noqa: PT017
        else:
            winners.append(word)

    clients = [(desk.aws.client("s3"), desk.aws.client("dynamodb")) for _ in range(4)]
    threads = []
    for s3, dynamodb in clients:
        put_object = lambda s3=s3: s3.put_object(Bucket="seen", Key="race", IfNoneMatch="*")  # noqa: E731
        put_item = lambda dynamodb=dynamodb: dynamodb.put_item(  # noqa: E731
            TableName="race", Item={"id": {"S": "1"}}, ConditionExpression="attribute_not_exists(id)"
        )
        threads += [
            threading.Thread(target=attempt, args=(put_object, "s3")),
            threading.Thread(target=attempt, args=(put_item, "dynamodb")),
        ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(winners) == ["dynamodb", "s3"]
