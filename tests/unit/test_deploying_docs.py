"""docs/deploying.md lists exactly the inputs and outputs that Terraform has."""

from __future__ import annotations

from spotcheck.terraform_docs import DOCUMENT, outputs_table, variables_table, with_tables


def test_the_tables_are_those_of_the_terraform_files() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document == with_tables(document), "run: .venv/bin/python -m spotcheck.terraform_docs"


def test_a_variable_is_a_row_with_its_default() -> None:
    source = (
        'variable "name" {\n  description = "A | name."\n  type        = string\n  default     = "x"\n}\n'
    )
    assert variables_table(source).splitlines()[2:] == ['| `name` | `"x"` | A \\| name. |']


def test_a_variable_without_a_default_is_required() -> None:
    assert "| `name` | required |" in variables_table('variable "name" {\n  description = "A."\n}\n')


def test_an_output_is_a_row() -> None:
    source = 'output "region" {\n  description = "Where."\n  value       = local.region\n}\n'
    assert outputs_table(source).splitlines()[2:] == ["| `region` | Where. |"]
