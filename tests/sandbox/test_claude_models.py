"""What each model refuses, and its neighbour takes."""

from typing import Any

import pytest

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.validate import validate

TOOL = {"name": "add", "input_schema": {"type": "object"}}
ANY = {"tools": [TOOL], "tool_choice": {"type": "any"}}
ONE = {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "add"}}
BUDGET = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2048}
SYSTEM = {"messages": [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}]}
PREFILL = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "I"}]}


def effort(level: str) -> dict[str, Any]:
    return {"output_config": {"effort": level}}


def request(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], **more}


@pytest.mark.parametrize(
    ("more", "taken_by", "refused_by", "message"),
    [
        *(
            (forced, ["claude-fable-5", "claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5"], [newest], message)
            for forced in (ANY, ONE)
            for newest in ("claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1")
            for message in ('tool_choice: type "tool" and "any" are not supported for this model.',)
        ),
        (
            BUDGET,
            ["claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5"],
            ["claude-opus-4-7", "claude-opus-5", "claude-sonnet-5", "claude-fable-5"],
            '"thinking.type.enabled" is not supported for this model.',
        ),
        (
            {"thinking": {"type": "disabled"}},
            ["claude-opus-5", "claude-sonnet-5", "claude-opus-4-7"],
            ["claude-fable-5", "claude-sonnet-5-5", "claude-opus-5-5"],
            '"thinking.type.disabled" is not supported for this model.',
        ),
        *(
            (
                sampling,
                ["claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5"],
                ["claude-fable-5", "claude-sonnet-5-5", "claude-opus-4-7", "claude-haiku-5-5"],
                f"`{next(iter(sampling))}` is deprecated for this model.",
            )
            for sampling in ({"temperature": 0.5}, {"top_p": 0.9}, {"top_k": 5})
        ),
        (
            effort("low"),
            ["claude-opus-4-5", "claude-opus-4-6", "claude-sonnet-4-6", "claude-sonnet-5", "claude-fable-5"],
            ["claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-1", "claude-3-haiku-20240307"],
            "This model does not support the effort parameter.",
        ),
        (
            effort("max"),
            ["claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-7"],
            ["claude-opus-4-5"],
            "This model does not support effort level 'max'. Supported levels: high, low, medium.",
        ),
        (
            effort("xhigh"),
            ["claude-opus-4-7", "claude-sonnet-5", "claude-opus-5-5"],
            ["claude-opus-4-6", "claude-sonnet-4-6"],
            "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium.",
        ),
        (
            {**effort("xhigh"), "thinking": {"type": "disabled"}},
            ["claude-sonnet-5", "claude-opus-4-8"],
            ["claude-opus-5"],
            "output_config.effort 'xhigh' is not supported when thinking is disabled on this model.",
        ),
        ({"max_tokens": 128_000}, ["claude-opus-4-6", "claude-sonnet-5"], ["claude-opus-4-5"], "max_tokens: 128000 > "),
        (
            {"max_tokens": 64_000},
            ["claude-sonnet-4-5", "claude-haiku-4-5"],
            ["claude-opus-4-1"],
            "max_tokens: 64000 > ",
        ),
        ({"max_tokens": 8192}, ["claude-3-5-sonnet-latest"], ["claude-3-haiku-20240307"], "max_tokens: 8192 > 4096"),
        ({"max_tokens": 128_001}, [], ["claude-fable-5", "claude-opus-5-5"], "max_tokens: 128001 > 128000, which is"),
        (
            SYSTEM,
            ["claude-opus-4-8", "claude-sonnet-5", "claude-fable-5", "claude-haiku-5-5"],
            ["claude-opus-4-7", "claude-sonnet-4-6", "claude-haiku-4-5"],
            'messages: Unexpected role "system".',
        ),
        (
            PREFILL,
            ["claude-sonnet-4-5", "claude-haiku-4-5"],
            ["claude-sonnet-4-6", "claude-opus-5", "claude-fable-5"],
            "This model does not support assistant message prefill.",
        ),
    ],
)
def test_a_model_takes_what_it_takes(
    more: dict[str, Any], taken_by: list[str], refused_by: list[str], message: str
) -> None:
    for model in taken_by:
        validate(request(model) | more)
    for model in refused_by:
        with pytest.raises(ClaudeError) as caught:
            validate(request(model) | more)
        assert caught.value.message.startswith(message), model


def test_sonnet_5_takes_system_messages_but_no_changes_of_tools() -> None:
    removal = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "add"}}
    messages = [{"role": "user", "content": "Hi"}, {"role": "system", "content": [removal]}]
    betas = ["mid-conversation-tool-changes-2026-07-01"]

    validate(request("claude-opus-5", tools=[TOOL]) | {"messages": messages}, betas=betas)
    with pytest.raises(ClaudeError, match="`tool_removal` blocks are not supported on this model"):
        validate(request("claude-sonnet-5", tools=[TOOL]) | {"messages": messages}, betas=betas)


def test_a_beta_doubles_what_sonnet_3_7_gives() -> None:
    body = request("claude-3-7-sonnet-latest", max_tokens=128_000)

    validate(body, betas=["output-128k-2025-02-19"])
    with pytest.raises(ClaudeError, match="max_tokens: 128000 > 64000"):
        validate(body)
