"""Reads rules of confidence from the command line."""

from collections.abc import Sequence
from dataclasses import fields

from catalog.confidence import DEFAULT_RULES, ConfidenceRules
from runtime.errors import SetupError


def rules_of(given: Sequence[str]) -> ConfidenceRules:
    """Reads rules such as ``half_life_days=60``; those that are not given have their defaults.

    Raises:
        SetupError: There is no such rule, or it cannot have that value.
    """
    known = [each.name for each in fields(ConfidenceRules)]
    rules: dict[str, object] = dict(DEFAULT_RULES.facts())
    for each in given:
        name, is_given, text = each.partition("=")
        name = name.replace("-", "_")
        if name not in known or not is_given:
            raise SetupError(f"there is no such rule: use NAME=VALUE with {', '.join(known)}")
        try:
            rules[name] = float(text)
        except ValueError as problem:
            raise SetupError(f"{name} takes a number") from problem
    try:
        return ConfidenceRules.of_facts(rules)
    except ValueError as problem:
        raise SetupError(str(problem)) from problem
