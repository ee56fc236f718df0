"""Fuzzes the targets of `support_fuzz` with atheris: `make fuzz SECONDS=60`.

Each target runs in a process of its own, begins with `corpus/<target>` and keeps what reached new code in
`build/fuzz/<target>`. What fails is written to `build/fuzz/<target>-crash-*`: put it into the corpus, where
`test_fuzz.py` tries it for ever.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOUND = ROOT / "build" / "fuzz"


def fuzz(target: str, seconds: int) -> None:
    """Fuzzes one target in this process, which ends with it."""
    import atheris

    sys.path[:0] = [str(ROOT / folder) for folder in ("tests", "scripts", "chalice_app")]
    with atheris.instrument_imports(include=["chalicelib", "spotcheck"]):
        import support_fuzz

    found = FOUND / target
    found.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1500", "-max_len=65536"]
    quiet = ["-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={FOUND}/{target}-"]
    seeds = [str(found), str(HERE / "corpus" / target)]
    atheris.Setup([sys.argv[0], *limits, *quiet, *seeds], lambda data: support_fuzz.try_target(target, data))
    atheris.Fuzz()


def fuzz_all(seconds: int) -> int:
    """Fuzzes every target, one after the other; 1 when something was found."""
    failed = []
    for folder in sorted((HERE / "corpus").iterdir()):
        command = [sys.executable, __file__, "--target", folder.name, "--seconds", str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = [line for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        print(f"{folder.name:20} {said[0].split()[-1] if said else '?':>10} executions", flush=True)
        if done.returncode:
            failed.append(folder.name)
            print((done.stdout + done.stderr)[-4000:], flush=True)
    print(f"found something in: {', '.join(failed)}" if failed else "nothing found", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--target")
    options.add_argument("--seconds", type=int, default=60)
    given = options.parse_args()
    if given.target:
        fuzz(given.target, given.seconds)
    sys.exit(fuzz_all(given.seconds))
