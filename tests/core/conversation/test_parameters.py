"""OpenAI's and Anthropic's names of one parameter become one."""

from typing import Any

import pytest

from portkey_gateway.conversation.parameters import with_one_name


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"max_completion_tokens": 9}, {"max_tokens": 9}),
        ({"max_tokens": 9}, {"max_tokens": 9}),
        ({"max_tokens": 9, "max_completion_tokens": 7}, {"max_tokens": 7}),
        ({"max_tokens": 9, "max_completion_tokens": None}, {"max_tokens": 9}),
        ({"max_tokens": None}, {}),
        ({"stop": "END"}, {"stop": ["END"]}),
        ({"stop_sequences": "END"}, {"stop": ["END"]}),
        ({"stop_sequences": ["A", "B"]}, {"stop": ["A", "B"]}),
        ({"stop": ["A"], "stop_sequences": ["B"]}, {"stop": ["A"]}),
        ({"stop": [], "seed": 3}, {"stop": [], "seed": 3}),
    ],
)
def test_one_name_for_what_has_two(said: dict[str, Any], named: dict[str, Any]) -> None:
    before = dict(said)
    assert with_one_name(said) == named
    assert said == before
