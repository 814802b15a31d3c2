"""What is asked of Claude where another than the request names may answer, or several: what all of them take."""

import warnings
from typing import Any

import pytest

from portkey_gateway.conversation.claude import fit_effort, prepare_for_claude, without_idle_effort
from portkey_gateway.errors import EncodingError

HELLO = {"role": "user", "content": "Hello"}
BUDGET = {"type": "enabled", "budget_tokens": 1024}
ADAPTIVE = {"type": "adaptive"}


@pytest.mark.parametrize(
    ("models", "given_parameters", "left", "told"),
    [
        (["claude-3-7-sonnet-latest"], {"temperature": 0.5}, {"temperature": 0.5}, None),
        (["claude-3-7-sonnet-latest"], {"thinking": BUDGET}, {"thinking": BUDGET}, None),
        (["claude-sonnet-4-6", "claude-opus-4-7"], {"top_k": 5}, {}, "top_k is left out: claude-opus-4-7 takes none"),
        (
            ["claude-sonnet-4-6", "claude-opus-4-7"],
            {"thinking": BUDGET},
            {"thinking": ADAPTIVE},
            "thinking is sent as {'type': 'adaptive'}: claude-opus-4-7 takes no budget_tokens; say how much to",
        ),
        (
            ["claude-sonnet-4-5", "claude-opus-4-7"],
            {"thinking": BUDGET},
            {},
            "thinking is left out: claude-opus-4-7 takes no budget_tokens, and claude-sonnet-4-5 nothing else",
        ),
        (
            ["claude-sonnet-4-5", "claude-opus-4-7"],
            {"thinking": ADAPTIVE},
            {},
            "thinking is left out: claude-sonnet-4-5 does not think adaptively, only by budget_tokens",
        ),
        (
            ["claude-opus-4-7", "claude-opus-5-5"],
            {"tool_choice": "any"},
            {"tool_choice": "auto"},
            "tool_choice is sent as 'auto': Claude cannot be made to call a tool (claude-opus-5-5 takes no such",
        ),
        (
            ["claude-opus-4-7", "claude-opus-5"],
            {"thinking": {"type": "disabled"}, "reasoning_effort": "max"},
            {"thinking": {"type": "disabled"}, "reasoning_effort": "high"},
            "reasoning_effort 'max' is sent as 'high': claude-opus-5 takes no more where thinking is switched off",
        ),
        (
            ["claude-opus-4-7"],
            {"thinking": {"type": "disabled"}, "reasoning_effort": "max"},
            {"thinking": {"type": "disabled"}, "reasoning_effort": "max"},
            None,
        ),
    ],
)
def test_a_parameter_goes_out_where_every_claude_takes_it_whatever_the_request_names(
    models: list[str], given_parameters: Any, left: Any, told: str | None
) -> None:
    request: Any = {"model": "claude-opus-4-7", "max_tokens": 9, "messages": [HELLO], **given_parameters}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = prepare_for_claude(request, models)
    assert {name: made[name] for name in made.keys() - {"model", "max_tokens", "messages"}} == left
    assert len(caught) == bool(told)
    assert all(str(warning.message).startswith(str(told)) for warning in caught)


def test_an_argument_that_claude_takes_under_no_such_name_is_an_error_that_says_which() -> None:
    parameters = {"type": "object", "properties": {"filter[id]": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "list_apps", "parameters": parameters}}]
    request: Any = {"model": "claude-sonnet-4-6", "messages": [HELLO], "tools": tools}
    with pytest.raises(EncodingError, match=r"tool 'list_apps' has an argument 'filter\[id\]': Claude takes letters"):
        prepare_for_claude(request)


@pytest.mark.parametrize(
    ("asked", "models", "sent", "told"),
    [
        ("high", ["claude-opus-4-5", "claude-opus-4-7"], "high", None),
        ("max", ["claude-opus-4-7", "claude-opus-4-5"], "high", "claude-opus-4-5 has low, medium, high"),
        ("low", ["claude-opus-4-7", "claude-haiku-4-5"], None, "claude-haiku-4-5 has no levels of effort"),
        ("minimal", ["claude-opus-4-7"], "low", "sent as 'low'"),
        ("none", ["claude-opus-4-7"], None, "left out"),
    ],
)
def test_the_level_of_effort_is_one_that_all_have(asked: str, models: list[str], sent: Any, told: str | None) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert fit_effort(asked, models) == sent
    assert len(caught) == bool(told)
    assert all(str(told) in str(warning.message) for warning in caught)


@pytest.mark.parametrize(
    ("models", "thinking", "left", "told"),
    [
        (["claude-opus-4-7"], None, None, None),
        (["claude-opus-5"], None, {"type": "disabled"}, None),
        (["claude-opus-5"], {"type": "disabled"}, {"type": "disabled"}, None),
        (["claude-opus-5", "claude-opus-5-5"], None, None, "thinking of claude-opus-5-5 cannot be switched off"),
        (["claude-opus-4-7"], ADAPTIVE, ADAPTIVE, "thinking is asked for beside it"),
    ],
)
def test_an_effort_of_none_switches_thinking_off(models: list[str], thinking: Any, left: Any, told: str | None) -> None:
    asked = {"reasoning_effort": "none", **({"thinking": thinking} if thinking else {})}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert without_idle_effort(asked, models) == ({"thinking": left} if left else {})
    assert len(caught) == bool(told)
    assert all(str(told) in str(warning.message) for warning in caught)
