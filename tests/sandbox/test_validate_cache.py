"""Prompt cache breakpoints: how many, where, and in which order of lifetimes."""

from typing import Any

import pytest

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.validate import validate

FIVE_MINUTES = {"type": "ephemeral"}
ONE_HOUR = {"type": "ephemeral", "ttl": "1h"}
WRONG_ORDER = (
    "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
    "Note that blocks are processed in the following order: `tools`, `system`, `messages`."
)


def text(cache_control: Any = None) -> dict[str, Any]:
    return {"type": "text", "text": "words", **({"cache_control": cache_control} if cache_control else {})}


def tool(name: str, cache_control: Any = None) -> dict[str, Any]:
    return {"name": name, "input_schema": {"type": "object"}, "cache_control": cache_control}


def request(*content: dict[str, Any], **changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": list(content) or "Hi"}]
    return {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": messages, **changes}


def tool_loop(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", **result}]},
    ]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(request(text({"type": "ephemeral", "ttl": "5m"})), id="ttl-named"),
        pytest.param(request(text(), tools=[tool("a", None)]), id="null"),
        pytest.param(
            request(text(ONE_HOUR), text(FIVE_MINUTES), tools=[tool("a", ONE_HOUR)], system=[text(ONE_HOUR)]),
            id="four-longer-first",
        ),
        pytest.param(request(text(FIVE_MINUTES), cache_control=FIVE_MINUTES), id="with-automatic"),
        pytest.param(request(messages=tool_loop({"content": "42", "cache_control": FIVE_MINUTES})), id="tool-result"),
    ],
)
def test_good_breakpoints_pass(body: dict[str, Any]) -> None:
    before = repr(body)

    validate(body)

    assert repr(body) == before


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            request(text(FIVE_MINUTES), text(FIVE_MINUTES), text(FIVE_MINUTES), system=[text(FIVE_MINUTES)] * 2),
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
            id="five",
        ),
        pytest.param(
            request(*[text(FIVE_MINUTES)] * 4, cache_control=FIVE_MINUTES),
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
            id="four-and-automatic",
        ),
        pytest.param(
            request(
                messages=tool_loop({"content": [text(FIVE_MINUTES)] * 3, "cache_control": FIVE_MINUTES}),
                system=[text(FIVE_MINUTES)],
            ),
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
            id="inside-tool-result",
        ),
        pytest.param(
            request(text(), tools=[tool("a", FIVE_MINUTES)], system=[text(ONE_HOUR)]),
            f"system.0.cache_control.ttl: {WRONG_ORDER}",
            id="longer-after-tools",
        ),
        pytest.param(
            request(text(), tools=[tool("a", FIVE_MINUTES), tool("b", ONE_HOUR)]),
            f"tools.1.custom.cache_control.ttl: {WRONG_ORDER}",
            id="longer-among-tools",
        ),
        pytest.param(
            request(text(FIVE_MINUTES), text(ONE_HOUR)),
            f"messages.0.content.1.text.cache_control.ttl: {WRONG_ORDER}",
            id="longer-after-message",
        ),
        pytest.param(
            request({"type": "text", "text": "", "cache_control": FIVE_MINUTES}),
            "messages.0.content.0.text: cache_control cannot be set for empty text blocks",
            id="empty-text",
        ),
        pytest.param(
            request(text({"type": "persistent"})),
            "messages.0.content.0.text.cache_control.type: Input should be 'ephemeral'",
            id="other-type",
        ),
        pytest.param(
            request(text({"type": "ephemeral", "ttl": "2h"})),
            "messages.0.content.0.text.cache_control.ttl: Input should be '5m' or '1h'",
            id="other-ttl",
        ),
        pytest.param(
            request(text({"ttl": "1h"})), "messages.0.content.0.text.cache_control.type: Field required", id="no-type"
        ),
        pytest.param(
            request(text({"type": "ephemeral", "scope": "all"})),
            "messages.0.content.0.text.cache_control.scope: Extra inputs are not permitted",
            id="extra-key",
        ),
    ],
)
def test_bad_breakpoints_are_refused(body: dict[str, Any], message: str) -> None:
    with pytest.raises(ClaudeError) as caught:
        validate(body)

    assert (caught.value.status, caught.value.message) == (400, message)


@pytest.mark.parametrize(
    "block",
    [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "redacted_thinking", "data": "d"}],
    ids=["thinking", "redacted"],
)
def test_thinking_takes_no_breakpoint(block: dict[str, Any]) -> None:
    marked = {"role": "assistant", "content": [{**block, "cache_control": FIVE_MINUTES}]}
    messages = [{"role": "user", "content": "Hi"}, marked, {"role": "user", "content": "Bye"}]

    with pytest.raises(ClaudeError, match=rf"1\.content\.0\.{block['type']}\.cache_control: Extra inputs are not"):
        validate(request(messages=messages))
