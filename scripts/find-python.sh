#!/usr/bin/env bash
# Prints the path of a Python that can run Spotcheck (3.11 to 3.13), or one line naming what to install.
set -euo pipefail
for name in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
  if path="$("$name" -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) and print(sys.executable)' 2>/dev/null)" && [ -n "$path" ]; then
    echo "$path"
    exit 0
  fi
done
echo "error: no Python 3.11, 3.12 or 3.13 on PATH: install one (https://www.python.org/downloads/), or name it: make PYTHON=/path/to/python3 ..." >&2
exit 1
