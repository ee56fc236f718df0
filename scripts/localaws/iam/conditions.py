"""Condition blocks: operators, `IfExists`, `Null`, and the set operators of keys with several values.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from localaws.exceptions import PolicyUnsupportedError
from localaws.iam.matching import arn_matches, matches

Context = Mapping[str, str | tuple[str, ...]]
Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]

_VARIABLE = re.compile(r"\$\{([^}]+)\}")


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda wanted, given: compare(float(given), float(wanted))


def _same(wanted: str, given: str) -> bool:
    return wanted == given


def _same_word(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


# Operator => whether one value of the policy (first) matches one value of the request.
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {
        "StringEquals": _same,
        "StringEqualsIgnoreCase": _same_word,
        "StringLike": matches,
        "ArnEquals": arn_matches,
        "ArnLike": arn_matches,
        "Bool": _same_word,
        "NumericEquals": _number(lambda given, wanted: given == wanted),
        "NumericLessThan": _number(lambda given, wanted: given < wanted),
        "NumericLessThanEquals": _number(lambda given, wanted: given <= wanted),
        "NumericGreaterThan": _number(lambda given, wanted: given > wanted),
        "NumericGreaterThanEquals": _number(lambda given, wanted: given >= wanted),
    }
)
_NEGATED: Mapping[str, str] = MappingProxyType(
    {
        "StringNotEquals": "StringEquals",
        "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
        "StringNotLike": "StringLike",
        "ArnNotEquals": "ArnEquals",
        "ArnNotLike": "ArnLike",
        "NumericNotEquals": "NumericEquals",
    }
)


def hold(conditions: Conditions, context: Context) -> bool:
    """Whether every key of every operator holds in a request's context.

    Args:
        conditions: Operator => key => values of the policy, one of which must match.
        context: Key => value or values of the request; keys are compared without regard to case.

    Raises:
        PolicyUnsupportedError: The policy has an operator that this evaluator does not know.
    """
    known = {key.lower(): (value,) if isinstance(value, str) else value for key, value in context.items()}
    return all(
        _holds(operator, known.get(key.lower()), [_filled(value, known) for value in values])
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _holds(operator: str, given: tuple[str, ...] | None, wanted: list[str | None]) -> bool:
    quantifier, _, bare = operator.rpartition(":")
    if bare == "Null":
        return any((given is None) == (value == "true") for value in wanted)
    name = bare.removesuffix("IfExists")
    negated = name in _NEGATED
    compare = _OPERATORS.get(_NEGATED.get(name, name))
    if compare is None or quantifier not in {"", "ForAnyValue", "ForAllValues"}:
        message = f"The policy's condition operator {operator} is not emulated; say what it needs otherwise."
        raise PolicyUnsupportedError(message)
    if not given:
        # A missing key matches nothing: then what must not match holds, and ForAllValues, being about none.
        return quantifier == "ForAllValues" or bare.endswith("IfExists") or (negated and not quantifier)
    hits = [any(value is not None and compare(value, each) for value in wanted) != negated for each in given]
    # Without a quantifier a key has one value; with several, a negated operator must hold for each of them.
    return all(hits) if quantifier == "ForAllValues" or (negated and not quantifier) else any(hits)


def _filled(value: str, known: Mapping[str, Iterable[str]]) -> str | None:
    """A policy's value with its variables, as `${aws:PrincipalAccount}`, filled in; None if unknown."""
    missing: list[str] = []

    def fill(found: re.Match[str]) -> str:
        if found[1] in {"*", "?", "$"}:
            return found[1]
        values = list(known.get(found[1].lower(), ()))
        if len(values) != 1:
            missing.append(found[1])
        return values[0] if values else ""

    filled = _VARIABLE.sub(fill, value)
    return None if missing else filled
