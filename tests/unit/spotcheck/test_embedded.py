"""The embedded AWS as a process: found again only if it is still that process."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING

import pytest

from spotcheck import embedded
from spotcheck.exceptions import EmbeddedAwsError

if TYPE_CHECKING:
    from pathlib import Path


def record(state_dir: Path, pid: int) -> None:
    text = json.dumps({"pid": pid, "endpoint_url": "http://127.0.0.1:1"})
    (state_dir / "server.json").write_text(text, encoding="utf-8")


def test_no_record_means_no_server(tmp_path: Path) -> None:
    assert embedded.find_server(tmp_path) is None


def test_a_damaged_record_means_no_server(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text('{"pid": 1', encoding="utf-8")
    assert embedded.find_server(tmp_path) is None


def test_another_process_of_the_same_number_is_not_taken_for_the_server(tmp_path: Path) -> None:
    record(tmp_path, os.getpid())
    assert embedded.find_server(tmp_path) is None


def test_stopping_leaves_another_process_of_the_same_number_alone(tmp_path: Path) -> None:
    record(tmp_path, os.getpid())
    assert embedded.stop_server(tmp_path) is False
    assert not (tmp_path / "server.json").exists()


def test_a_process_is_ours_by_its_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = f"python -m localaws --port 0 --state-dir {tmp_path / 'aws'}"
    monkeypatch.setattr(embedded, "_command_of", lambda _: command)
    record(tmp_path, 4711)
    found = embedded.find_server(tmp_path)
    assert found is not None
    assert found.pid == 4711


def test_what_described_the_last_server_is_cleared_and_the_provider_stays(tmp_path: Path) -> None:
    for name in ("server.json", "outputs.json", "terraform/terraform.tfstate", "aws/code/app.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    provider = tmp_path / ".terraform" / "provider"
    provider.mkdir(parents=True)
    embedded.clear_state(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == []
    assert provider.is_dir()


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedAwsError) as raised:
            embedded.start_server(port, tmp_path)
    assert str(raised.value) == (
        f"port {port} is taken by another program: stop it, or choose another with --port"
    )


def test_two_commands_do_not_change_it_at_once(tmp_path: Path) -> None:
    first, second = embedded.exclusively(tmp_path), embedded.exclusively(tmp_path)
    with first, pytest.raises(EmbeddedAwsError, match="another command"), second:
        pass
    with embedded.exclusively(tmp_path):
        pass
