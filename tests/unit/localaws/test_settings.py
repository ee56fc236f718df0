"""The command line of the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from localaws.__main__ import parse


def test_only_the_state_folder_must_be_given() -> None:
    settings = parse(["--state-dir", "state"])

    assert settings.port == 4566
    assert settings.state_dir == Path("state").resolve()
    assert settings.retry_scale == 1.0
    assert settings.max_concurrency >= 2


def test_everything_can_be_set() -> None:
    line = "--state-dir s --port 0 --retry-scale 0.1 --max-concurrency 1 --init-seconds 1 --idle-seconds 2"
    settings = parse([*line.split(), "--runtime-client", "pure-python"])

    assert (settings.port, settings.retry_scale, settings.max_concurrency) == (0, 0.1, 1)
    assert (settings.runtime_client, settings.init_seconds, settings.idle_seconds) == ("pure-python", 1, 2)


def test_without_a_state_folder_it_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as caught:
        parse([])

    assert caught.value.code == 2
