"""The tables of inputs and outputs in docs/deploying.md, written from the Terraform files themselves.

`python -m spotcheck.terraform_docs` writes them anew; a test fails when they differ.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "deploying.md"

_BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
_DEFAULT = re.compile(r"^  default +=[ \t]*(.+)$", re.MULTILINE)
_DESCRIPTION = re.compile(r'^  description = "(.*)"$', re.MULTILINE)
_SPAN = "<!-- {0} -->\n{1}<!-- /{0} -->"


def variables_table(source: str) -> str:
    """A Markdown table of the input variables in a Terraform file."""
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for _, name, body in _BLOCK.findall(source):
        default = _DEFAULT.search(body)
        shown = f"`{default[1]}`" if default else "required"
        rows.append(f"| `{name}` | {shown} | {_description(body)} |")
    return "\n".join(rows) + "\n"


def outputs_table(source: str) -> str:
    """A Markdown table of the outputs in a Terraform file."""
    rows = ["| output | what it is |", "|---|---|"]
    rows += [f"| `{name}` | {_description(body)} |" for _, name, body in _BLOCK.findall(source)]
    return "\n".join(rows) + "\n"


def with_tables(document: str, terraform: Path = ROOT / "terraform") -> str:
    """The document with both tables as the Terraform files have them now."""
    tables = {
        "variables": variables_table((terraform / "variables.tf").read_text(encoding="utf-8")),
        "outputs": outputs_table((terraform / "outputs.tf").read_text(encoding="utf-8")),
    }
    for mark, table in tables.items():
        span = re.compile(_SPAN.format(mark, ".*?"), re.DOTALL)
        document = span.sub(lambda _, mark=mark, table=table: _SPAN.format(mark, table), document)  # type: ignore[misc]
    return document


def _description(body: str) -> str:
    found = _DESCRIPTION.search(body)
    return found[1].replace("|", "\\|") if found else ""


if __name__ == "__main__":
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
