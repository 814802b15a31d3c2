"""OpenAI's and Anthropic's names of one parameter become one, and what nobody knows is refused."""

from typing import Any

import pytest

from portkey_gateway import EncodingError
from portkey_gateway.conversation.parameters import EFFORTS, check_values, with_one_name, without_empty


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
        ({"effort": "low"}, {"reasoning_effort": "low"}),
        ({"effort": None, "reasoning_effort": None}, {"reasoning_effort": None}),
        ({"effort": "low", "reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        (
            {"output_format": {"type": "json_schema", "schema": {"type": "object"}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "output_format", "schema": {"type": "object"}},
                }
            },
        ),
        ({"output_format": int}, {"response_format": int}),
    ],
)
def test_one_name_for_what_has_two(said: dict[str, Any], named: dict[str, Any]) -> None:
    before = dict(said)
    assert with_one_name(said) == named
    assert said == before


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"tools": [], "mcp_servers": [], "betas": [], "stop": [], "fallbacks": [], "seed": 0}, {"seed": 0}),
        ({"metadata": {}, "thinking": {}, "output_config": {}, "context_management": {}, "container": ""}, {}),
        ({"container": {"skills": []}, "context_management": {"edits": []}}, {}),
        ({"container": {"skills": [], "id": "c_1"}}, {"container": {"id": "c_1"}}),
        ({"tools": [], "tool_choice": "auto", "parallel_tool_calls": False}, {}),
        ({"tool_choice": {"type": "none"}}, {}),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        ({"mcp_servers": [{}], "parallel_tool_calls": False}, {"mcp_servers": [{}], "parallel_tool_calls": False}),
        ({"temperature": 0, "top_k": None, "user": ""}, {"temperature": 0, "top_k": None, "user": ""}),
    ],
)
def test_what_holds_nothing_is_left_out(said: dict[str, Any], kept: dict[str, Any]) -> None:
    before = repr(said)
    assert without_empty(said) == kept
    assert repr(said) == before


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        (
            {"reasoning_effort": "hgih"},
            r"reasoning_effort is 'hgih': did you mean 'high'\? Known are none, minimal, low",
        ),
        ({"reasoning_effort": 3}, "reasoning_effort is 3: Known are"),
        ({"thinking": {"type": "enabeld"}}, r"thinking\['type'\] is 'enabeld': did you mean 'enabled'\?"),
    ],
)
def test_a_value_that_nobody_knows_is_refused(parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(EncodingError, match=told):
        check_values(parameters)


@pytest.mark.parametrize("effort", [None, *EFFORTS])
def test_known_values_are_taken(effort: str | None) -> None:
    check_values({"reasoning_effort": effort, "thinking": None})
    check_values({"thinking": {"type": "adaptive"}})
