"""Tool results and the uses they answer."""

from typing import Any

import pytest

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.validate import validate

Message = dict[str, Any]


def user(*blocks: dict[str, Any]) -> Message:
    return {"role": "user", "content": list(blocks)}


def claude(*blocks: dict[str, Any]) -> Message:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str = "words") -> dict[str, Any]:
    return {"type": "text", "text": words}


def use(use_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": use_id, "name": "add", "input": {"a": 1}, **more}


def result(use_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": use_id, "content": "42", **more}


def request(*messages: Message) -> dict[str, Any]:
    return {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": [user(text()), *messages]}


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([claude(use("a")), user(result("a"))], id="one"),
        pytest.param([claude(text(), use("a")), user(result("a"), text())], id="text-around"),
        pytest.param([claude(use("a"), use("b")), user(result("b"), result("a"))], id="parallel"),
        pytest.param([claude(use("a"), use("b")), user(result("a")), user(result("b"))], id="parallel-in-two-messages"),
        pytest.param([claude(use("a")), claude(use("b")), user(result("a"), result("b"))], id="two-of-claude"),
        pytest.param([claude(use("a")), user(result("a")), claude(use("b")), user(result("b"))], id="loop"),
        pytest.param([claude(use("a")), user({"type": "tool_result", "tool_use_id": "a"})], id="no-content"),
        pytest.param([claude(use("a")), user(result("a", content="", is_error=False))], id="empty-success"),
        pytest.param([claude(use("a")), user(result("a", content=[]))], id="empty-list"),
        pytest.param(
            [
                claude(use("a")),
                user(
                    result(
                        "a",
                        content=[
                            text(),
                            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                            {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
                            {"type": "search_result", "source": "s", "title": "t", "content": [text()]},
                        ],
                    )
                ),
            ],
            id="rich-content",
        ),
    ],
)
def test_good_tool_use_passes(messages: list[Message]) -> None:
    body = request(*messages)
    before = repr(body)

    validate(body)

    assert repr(body) == before


UNANSWERED = (
    "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: {}. "
    "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
)
UNASKED = (
    "{}: unexpected `tool_use_id` found in `tool_result` blocks: {}. "
    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
)


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        pytest.param([claude(use("a"))], UNANSWERED.format("a"), id="at-the-end"),
        pytest.param([claude(use("a")), user(text())], UNANSWERED.format("a"), id="text-instead"),
        pytest.param([claude(use("a"), use("b")), user(result("a"))], UNANSWERED.format("b"), id="one-of-two"),
        pytest.param([claude(use("a"), use("b")), user(text())], UNANSWERED.format("a, b"), id="none-of-two"),
        pytest.param([claude(use("a")), user(text(), result("a"))], UNANSWERED.format("a"), id="text-before-result"),
        pytest.param(
            [claude(use("a"), use("b")), user(result("a"), text()), user(result("b"))],
            UNANSWERED.format("b"),
            id="text-between-results",
        ),
        pytest.param([user(result("a"))], UNASKED.format("messages.1.content.0", "a"), id="out-of-nothing"),
        pytest.param(
            [claude(use("a")), user(result("a")), claude(text()), user(result("a"))],
            UNASKED.format("messages.4.content.0", "a"),
            id="too-late",
        ),
        pytest.param(
            [claude(use("a")), user(result("a"), result("b"))],
            UNASKED.format("messages.2.content.1", "b"),
            id="one-too-many",
        ),
        pytest.param(
            [claude(use("a")), user(result("a"), result("a"))],
            "messages.2.content.1: each tool_use must have a single result. "
            "Found multiple `tool_result` blocks with id: a",
            id="result-twice",
        ),
        pytest.param(
            [claude(use("a")), user(result("a")), claude(use("a")), user(result("a"))],
            "messages: `tool_use` ids must be unique",
            id="id-twice",
        ),
        pytest.param(
            [claude(use("call:1")), user(result("call:1"))],
            "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
            id="id-with-colon",
        ),
        pytest.param(
            [claude(use("")), user(result(""))],
            "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
            id="empty-id",
        ),
        pytest.param(
            [claude(use("a", name="functions.add")), user(result("a"))],
            "messages.1.content.0.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
            id="name-with-dot",
        ),
        pytest.param(
            [claude(use("a", input='{"a": 1}')), user(result("a"))],
            "messages.1.content.0.tool_use.input: Input should be a valid dictionary",
            id="input-text",
        ),
        pytest.param(
            [claude(use("a", input=None)), user(result("a"))],
            "messages.1.content.0.tool_use.input: Input should be a valid dictionary",
            id="input-null",
        ),
        pytest.param(
            [claude(use("a", index=0)), user(result("a"))],
            "messages.1.content.0.tool_use.index: Extra inputs are not permitted",
            id="extra-key",
        ),
        pytest.param(
            [claude(use("a")), user(result("a", content=None))],
            "messages.2.content.0.tool_result.content: Input should be a valid string or a valid list",
            id="content-null",
        ),
        pytest.param(
            [claude(use("a")), user(result("a", content={"sum": 42}))],
            "messages.2.content.0.tool_result.content: Input should be a valid string or a valid list",
            id="content-object",
        ),
        pytest.param(
            [claude(use("a")), user(result("a", content=[text("")]))],
            "messages: text content blocks must be non-empty",
            id="content-empty-text",
        ),
        pytest.param(
            [claude(use("a")), user({"type": "tool_result", "content": "42"})],
            "messages.2.content.0.tool_result.tool_use_id: Field required",
            id="no-id",
        ),
    ],
)
def test_bad_tool_use_is_refused(messages: list[Message], message: str) -> None:
    with pytest.raises(ClaudeError) as caught:
        validate(request(*messages))

    assert (caught.value.status, caught.value.message) == (400, message)


def test_an_openai_image_in_a_tool_result_is_refused() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}

    with pytest.raises(ClaudeError, match=r"^messages\.2\.content\.0\.tool_result\.content\.0: Input tag 'image_url'"):
        validate(request(claude(use("a")), user(result("a", content=[image]))))
