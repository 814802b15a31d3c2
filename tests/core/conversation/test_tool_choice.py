"""How to choose a tool, in every way in which people write it."""

import copy
from typing import Any

import pytest

from portkey_gateway.conversation.tool_choice import encode_tool_choice
from portkey_gateway.errors import EncodingError

NAMED = {"type": "function", "function": {"name": "weather"}}
ONE = {"disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        (False, None),
        (True, "required"),
        ("auto", "auto"),
        ("none", "none"),
        ("any", "required"),
        ("required", "required"),
        ("weather", NAMED),
        (NAMED, NAMED),
        ({"type": "tool", "name": "weather"}, NAMED),
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "required"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "auto", "disable_parallel_tool_use": False}, "auto"),
        ({"type": "auto", **ONE}, {"type": "auto", **ONE}),
        ({"type": "any", **ONE}, {"type": "required", **ONE}),
        ({"type": "tool", "name": "weather", **ONE}, {**NAMED, **ONE}),
        ({**NAMED, **ONE}, {**NAMED, **ONE}),
    ],
)
def test_tool_choice(choice: Any, expected: Any) -> None:
    before = copy.deepcopy(choice)
    assert encode_tool_choice(choice) == expected
    assert encode_tool_choice(expected) == expected
    assert choice == before


@pytest.mark.parametrize(
    "choice",
    [{}, {"type": "tool"}, {"type": "function"}, {"type": "function", "function": "weather"}, {"name": "x"}, ONE],
)
def test_a_tool_choice_of_no_known_form_is_an_error(choice: dict[str, Any]) -> None:
    with pytest.raises(EncodingError, match=r"tool_choice .* is not understood: give 'auto'"):
        encode_tool_choice(choice)


def test_a_tool_choice_of_no_known_kind_is_an_error() -> None:
    with pytest.raises(EncodingError, match="tool_choice 5 is not understood"):
        encode_tool_choice(5)  # type: ignore[arg-type]  # what no type allows
