"""Terraform as a program: found, given its providers, run through python-terraform, its errors made readable.

All of python-terraform's habits end in this module: it passes the whole environment on, logs errors twice,
guesses state files and returns exit code 2 for a plan with changes.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python_terraform import IsFlagged, Terraform

from spotcheck.exceptions import PrerequisiteError, StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ROOT = Path(__file__).resolve().parents[2]
TOOLS_DIR = ROOT / "build" / "tools"
FLAG = IsFlagged  # an option without a value

_MINIMUM = (1, 9)
_PROVIDER = Path("registry.terraform.io", "hashicorp", "aws")
_PROVIDER_SERIES = (5, 100)
_ERROR_LINES = 12


class TerraformCli:
    """Terraform in one working directory, with an environment of its own.

    Args:
        folder: Where the configuration lies.
        environment: The whole environment that Terraform gets.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self._program: _Program | None = None

    def run(
        self,
        command: str,
        *arguments: str,
        allowed: Iterable[int] = (0,),
        on_line: Callable[[str], None] | None = None,
        **options: Any,  # noqa: ANN401 - whatever the Terraform command takes
    ) -> tuple[int, str]:
        """Runs a Terraform command.

        Args:
            command: Such as `plan` or `state list`.
            *arguments: What follows the options.
            allowed: Exit codes that are no error.
            on_line: Gets each line of standard output as it comes.
            **options: Terraform's options, `_` for `-`; a list repeats the option, `FLAG` has no value.

        Returns:
            Exit code and standard output.

        Raises:
            PrerequisiteError: Terraform is missing or too old.
            StackError: Any other exit code, with Terraform's own words.
        """
        if self._program is None:
            self._program = _Program(self.folder, find_terraform())
        code, out, said = self._program.execute(self.environment, command, arguments, options, on_line)
        if code not in tuple(allowed):
            message = f"terraform {command} failed:\n{last_error(said or out)}"
            raise StackError(message)
        return code, out


class _Program(Terraform):  # type: ignore[misc]  # python-terraform has no types
    """python-terraform's command lines, started with our environment instead of this process's."""

    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(working_dir=str(folder), terraform_bin_path=str(program))

    def read_state_file(self, file_path: str | None = None) -> None:
        """Does nothing: the state may be remote, and `terraform output` knows where."""

    def execute(
        self,
        environment: Mapping[str, str],
        command: str,
        arguments: tuple[str, ...],
        options: Mapping[str, Any],
        on_line: Callable[[str], None] | None,
    ) -> tuple[int, str, str]:
        """Runs one command line and gives its exit code, standard output and standard error."""
        line = self.generate_cmd_string(command, *arguments, **options)
        lines = []
        with subprocess.Popen(
            line,
            cwd=self.working_dir,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        ) as process:
            errors = _Drain(process.stderr)
            try:
                for text in process.stdout or ():
                    lines.append(text)
                    if on_line:
                        on_line(text.rstrip("\n"))
            except KeyboardInterrupt:
                process.wait()  # Terraform got the signal too: let it finish its state before we leave
                raise
        return process.returncode, "".join(lines), errors.text()


def find_terraform() -> Path:
    """The Terraform on PATH.

    Raises:
        PrerequisiteError: There is none, or it is older than 1.9.
    """
    found = shutil.which("terraform")
    where = "https://developer.hashicorp.com/terraform/install"
    if found is None:
        message = f"Terraform is missing: install version 1.9 or newer ({where})."
        raise PrerequisiteError(message)
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1"}
    done = subprocess.run(
        [found, "version", "-json"], env=environment, capture_output=True, text=True, check=False
    )
    try:
        version = str(json.loads(done.stdout)["terraform_version"])
        known = tuple(int(part) for part in version.partition("-")[0].split("."))
    except (ValueError, KeyError, TypeError) as error:
        message = f"{found} does not say which version it is: install Terraform 1.9 or newer ({where})."
        raise PrerequisiteError(message) from error
    if known < _MINIMUM:
        message = f"Terraform {version} is too old: install version 1.9 or newer ({where})."
        raise PrerequisiteError(message)
    return Path(found)


def provider_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What to add to an environment so that Terraform finds the provider, quickly and even off line.

    A configuration that the user has is left alone. Without one, an unpacked provider mirror on disk is used
    where there is one; otherwise Terraform goes to the registry.

    Args:
        environment: The user's environment.

    Returns:
        The variables to set; an empty value means: remove.
    """
    added = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    preset = environment.get("TF_CLI_CONFIG_FILE")
    if preset and not Path(preset).is_file():
        added["TF_CLI_CONFIG_FILE"] = ""
        preset = None
    configured = preset or (_home(environment) / ".terraformrc").is_file()
    if not configured and (mirror := find_mirror(environment)):
        added["TF_CLI_CONFIG_FILE"] = str(_write_mirror_configuration(mirror))
    if not environment.get("TF_PLUGIN_CACHE_DIR"):
        cache = TOOLS_DIR / "terraform-plugins"
        cache.mkdir(parents=True, exist_ok=True)
        added["TF_PLUGIN_CACHE_DIR"] = str(cache)
        # Each working directory begins without a lock file: the cache may fill it.
        added["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"] = "1"
    return added


def find_mirror(environment: Mapping[str, str], roots: Iterable[Path] | None = None) -> Path | None:
    """An unpacked provider mirror on this machine that has an AWS provider we can use.

    Args:
        environment: The user's environment, for the home folder.
        roots: Where to look instead of the usual places.

    Returns:
        The folder that holds `registry.terraform.io/`, or none.
    """
    if roots is None:
        opt = Path("/opt")
        roots = [
            _home(environment) / ".terraform.d" / "plugins",
            Path("/usr/share/terraform/plugins"),
            Path("/usr/local/share/terraform/plugins"),
            *(sorted(opt.iterdir()) if opt.is_dir() else ()),
        ]
    for root in roots:
        if any(_is_usable(folder) for folder in (root / _PROVIDER).glob(f"*/{_platform()}")):
            return root
    return None


def last_error(said: str, limit: int = _ERROR_LINES) -> str:
    """The last errors that Terraform printed, without its frames and colours.

    Args:
        said: What Terraform wrote.
        limit: The most lines to give.
    """
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    framed = [line.lstrip("│╷╵ ").rstrip() for line in plain.splitlines()]
    lines = [line for line in framed if line.strip("─ ├")]
    errors = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
    shown = lines[errors[0] :] if errors else lines
    return "\n".join(shown[:limit] if errors else shown[-limit:]) or "it said nothing."


def _is_usable(folder: Path) -> bool:
    """Whether a mirror's folder `<version>/<platform>` has a provider of the series that we ask for."""
    try:
        version = tuple(int(part) for part in folder.parent.name.split("."))
    except ValueError:
        return False
    same_major = version[:1] == _PROVIDER_SERIES[:1]
    return same_major and version >= _PROVIDER_SERIES and any(folder.glob("terraform-provider-aws*"))


def _write_mirror_configuration(mirror: Path) -> Path:
    path = TOOLS_DIR / "terraform.rc"
    path.parent.mkdir(parents=True, exist_ok=True)
    source = "registry.terraform.io/hashicorp/aws"
    content = (
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = {json.dumps(str(mirror))}\n    include = ["{source}"]\n  }}\n'
        f'  direct {{\n    exclude = ["{source}"]\n  }}\n'
        "}\n"
    )
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(content, encoding="utf-8")
    part.replace(path)
    return path


def _platform() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{sys.platform}_{machine}"


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or Path.home())


class _Drain:
    """Reads a pipe to its end beside another, so that neither fills up and blocks the process."""

    def __init__(self, pipe: Any) -> None:  # noqa: ANN401 - a text pipe of subprocess
        from threading import Thread

        self._pipe = pipe
        self._text = ""
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        self._text = self._pipe.read()

    def text(self) -> str:
        """Everything that was read, once the pipe has ended."""
        self._thread.join()
        return self._text
