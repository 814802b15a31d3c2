"""Arguments are JSON that every reader takes."""

import json
import math
from typing import Any

import pytest

from portkey_gateway.conversation.arguments import as_arguments, with_known_numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"at": "Köln", "n": 1}, '{"at":"Köln","n":1}'),
        ({"a": math.inf, "b": [-math.inf]}, '{"a":"Infinity","b":["-Infinity"]}'),
        ({"a": math.nan}, '{"a":"NaN"}'),
        ({}, "{}"),
    ],
)
def test_values_are_written_as_json(value: Any, text: str) -> None:
    assert as_arguments(value) == text
    json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ('{"a": 1 }', '{"a": 1 }'),
        ('{"a": NaN}', '{"a":"NaN"}'),
        ('{"a": [-Infinity]}', '{"a":["-Infinity"]}'),
        ('{"a": "NaN"}', '{"a":"NaN"}'),
        ('{"a": NaN', '{"a": NaN'),
        ("", ""),
    ],
)
def test_only_numbers_that_json_does_not_know_are_written_anew(given: str, known: str) -> None:
    assert with_known_numbers(given) == known
