"""Extended thinking: its settings, what it excludes, and blocks that must be Claude's own."""

from typing import Any

import pytest

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.signatures import seal, sign
from portkey_gateway.sandbox.claude.validate import validate

ON = {"type": "enabled", "budget_tokens": 1024}
TOOLS = [{"name": "add", "input_schema": {"type": "object"}}]
ASKED = {"role": "user", "content": "Add"}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": sign("Hm.")}
REDACTED = {"type": "redacted_thinking", "data": seal("Hm.")}
TEXT = {"type": "text", "text": "words"}


def use(use_id: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": use_id, "name": "add", "input": {}}


def answered(use_id: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use_id, "content": "42"}]}


def claude(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def request(*messages: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-4-5",
        "max_tokens": 2000,
        "messages": [ASKED, *messages],
        "thinking": ON,
        **changes,
    }


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(request(), id="on"),
        pytest.param(request(thinking={"type": "disabled"}, temperature=0.2), id="off"),
        pytest.param(request(thinking={"type": "adaptive"}, model="claude-opus-4-7"), id="adaptive"),
        pytest.param(request(thinking={"type": "between_tools"}), id="between-tools"),
        pytest.param(request(thinking={**ON, "display": "omitted"}), id="display"),
        pytest.param(request(temperature=1), id="temperature-1"),
        pytest.param(request(top_p=0.95), id="top-p"),
        pytest.param(request(tools=TOOLS, tool_choice={"type": "auto"}), id="auto-choice"),
        pytest.param(request(tools=TOOLS, tool_choice={"type": "none"}), id="no-choice"),
        pytest.param(request(claude(THOUGHT, use("a")), answered("a")), id="loop"),
        pytest.param(request(claude(REDACTED, use("a")), answered("a")), id="loop-redacted"),
        pytest.param(
            request(claude(THOUGHT, use("a")), answered("a"), claude(use("b")), answered("b")), id="thinking-at-start"
        ),
        pytest.param(request(claude(TEXT), ASKED), id="old-turn-without-thinking"),
        pytest.param(
            request(claude(use("a")), answered("a"), claude(TEXT), ASKED), id="finished-loop-without-thinking"
        ),
        pytest.param(
            request(
                claude(use("a")), answered("a"), claude(TEXT), ASKED, claude(THOUGHT, TEXT, use("b")), answered("b")
            ),
            id="old-loop-without-thinking",
        ),
        pytest.param(request(claude(THOUGHT, TEXT), ASKED), id="replayed"),
        pytest.param(
            request(claude(use("a")), answered("a"), thinking={"type": "adaptive"}, model="claude-opus-4-6"),
            id="adaptive-loop-without-thinking",
        ),
    ],
)
def test_good_thinking_passes(body: dict[str, Any]) -> None:
    before = repr(body)

    validate(body)

    assert repr(body) == before


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            request(thinking={"type": "enabled"}), "thinking.enabled.budget_tokens: Field required", id="no-budget"
        ),
        pytest.param(
            request(thinking={"type": "enabled", "budget_tokens": 1023}),
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
            id="small-budget",
        ),
        pytest.param(
            request(max_tokens=1024), "`max_tokens` must be greater than `thinking.budget_tokens`.", id="no-room"
        ),
        pytest.param(
            request(thinking={"type": "disabled", "budget_tokens": 1024}),
            "thinking.disabled.budget_tokens: Extra inputs are not permitted",
            id="budget-while-off",
        ),
        pytest.param(request(thinking=True), "thinking: Input should be a valid dictionary", id="true"),
        pytest.param(request(thinking=None), "thinking: Input should be a valid dictionary", id="null"),
        pytest.param(
            request(thinking={"type": "adaptive"}), "adaptive thinking is not supported on this model", id="too-old"
        ),
        pytest.param(
            request(model="claude-opus-4-7"), '"thinking.type.enabled" is not supported for this model.', id="too-new"
        ),
        pytest.param(
            request(temperature=0.5), "`temperature` may only be set to 1 when thinking is enabled", id="temperature"
        ),
        pytest.param(request(top_k=5), "`top_k` must be unset when thinking is enabled", id="top-k"),
        pytest.param(
            request(top_p=0.9), "`top_p` must be greater than or equal to 0.95 or unset when thinking", id="top-p"
        ),
        pytest.param(
            request(tools=TOOLS, tool_choice={"type": "any"}),
            "Thinking may not be enabled when tool_choice forces tool use.",
            id="forced-any",
        ),
        pytest.param(
            request(tools=TOOLS, tool_choice={"type": "tool", "name": "add"}),
            "Thinking may not be enabled when tool_choice forces tool use.",
            id="forced-tool",
        ),
        pytest.param(
            request(claude(THOUGHT, TEXT)), "Prefilling the assistant's message is not supported", id="prefill"
        ),
        pytest.param(
            request(claude(use("a")), answered("a")),
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. "
            "When `thinking` is enabled, a final `assistant` message must start with a thinking block",
            id="loop-without-thinking",
        ),
        pytest.param(
            request(claude(TEXT, use("a")), answered("a"), claude(THOUGHT, use("b")), answered("b")),
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`.",
            id="thinking-too-late",
        ),
        pytest.param(
            request(claude({**THOUGHT, "thinking": "Other."}, TEXT), ASKED),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
            id="changed-thinking",
        ),
        pytest.param(
            request(claude({**THOUGHT, "signature": ""}, TEXT), ASKED, thinking={"type": "disabled"}),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
            id="no-signature-while-off",
        ),
        pytest.param(
            request(claude({"type": "thinking", "thinking": "Hm."}), ASKED),
            "messages.1.content.0.thinking.signature: Field required",
            id="signature-missing",
        ),
        pytest.param(
            request(claude({"type": "redacted_thinking", "data": "AAAA"}, TEXT), ASKED),
            "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
            id="invented-redacted",
        ),
    ],
)
def test_bad_thinking_is_refused(body: dict[str, Any], message: str) -> None:
    with pytest.raises(ClaudeError) as caught:
        validate(body)

    assert caught.value.status == 400
    assert caught.value.message.startswith(message)


def test_counting_tokens_needs_no_room_for_the_budget() -> None:
    body = {"model": "claude-sonnet-4-5", "messages": [ASKED], "thinking": ON}

    validate(body, count_only=True)
    with pytest.raises(ClaudeError, match="greater than or equal to 1024"):
        validate({**body, "thinking": {"type": "enabled", "budget_tokens": 1}}, count_only=True)
