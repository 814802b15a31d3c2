"""Messages and their blocks: who speaks, which block stands where, which keys it has."""

from typing import Any

import pytest

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.signatures import seal, sign
from portkey_gateway.sandbox.claude.validate import validate

Block = dict[str, Any]

IMAGE: Block = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}


def user(*content: Block | str) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def claude(*content: Block | str) -> dict[str, Any]:
    return {"role": "assistant", "content": content[0] if isinstance(content[0], str) else list(content)}


def text(words: str, **more: Any) -> Block:
    return {"type": "text", "text": words, **more}


def request(messages: object, **changes: Any) -> dict[str, Any]:
    return {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": messages, **changes}


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([user("Hi")], id="text"),
        pytest.param([user(text("Hi"), IMAGE)], id="blocks"),
        pytest.param([user("Hi"), user("there")], id="two-of-the-user"),
        pytest.param([user("Hi"), claude("Hello"), claude("again"), user("Bye")], id="two-of-claude"),
        pytest.param([user("Hi"), claude("I think")], id="prefill"),
        pytest.param([user("Hi"), claude(text("I think"))], id="prefill-block"),
        pytest.param([user("Hi"), claude("")], id="empty-final-claude"),
        pytest.param([user("Hi"), {"role": "assistant", "content": []}], id="empty-list-final-claude"),
        pytest.param([user("Hi"), claude("Hello \n"), user("Bye")], id="trailing-space-amid"),
        pytest.param([user(text("Hi", citations=None))], id="citations-null"),
        pytest.param(
            [
                user("Hi"),
                claude(
                    {"type": "thinking", "thinking": "Hm.", "signature": sign("Hm.")},
                    {"type": "redacted_thinking", "data": seal("secret")},
                    text("Hello"),
                ),
                user("Bye"),
            ],
            id="thinking-while-off",
        ),
        pytest.param(
            [
                user("Search"),
                claude(
                    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
                    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
                    text("Nothing found"),
                ),
                user("Bye"),
            ],
            id="server-tool",
        ),
        pytest.param(
            [user({"type": "search_result", "source": "s", "title": "t", "content": [text("c")]})], id="search-result"
        ),
    ],
)
def test_good_messages_pass(messages: list[Any]) -> None:
    body = request(messages)
    before = repr(body)

    validate(body)

    assert repr(body) == before


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        pytest.param([], "messages: at least one message is required", id="none"),
        pytest.param("Hi", "messages: Input should be a valid list", id="text"),
        pytest.param(["Hi"], "messages.0: Input should be a valid dictionary", id="bare-text"),
        pytest.param([{"content": "Hi"}], "messages.0.role: Field required", id="no-role"),
        pytest.param([{"role": "user"}], "messages.0.content: Field required", id="no-content"),
        pytest.param(
            [{"role": "user", "content": None}],
            "messages.0.content: Input should be a valid string or a valid list",
            id="null-content",
        ),
        pytest.param(
            [{"role": "system", "content": "Be brief."}, user("Hi")],
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, '
            'not "system" as an input message role.',
            id="system",
        ),
        pytest.param(
            [user("Hi"), {"role": "tool", "content": "42"}],
            'messages: Unexpected role "tool". Allowed roles are "user" or "assistant".',
            id="tool",
        ),
        pytest.param(
            [{"role": "user", "content": "Hi", "name": "Ann"}],
            "messages.0.name: Extra inputs are not permitted",
            id="extra-key",
        ),
        pytest.param(
            [{"role": "user", "content": "Hi", "cache_control": {"type": "ephemeral"}}],
            "messages.0.cache_control: Extra inputs are not permitted",
            id="cached-message",
        ),
        pytest.param([claude("Hi")], 'messages: first message must use the "user" role', id="claude-first"),
        pytest.param(
            [user("")],
            "messages.0: all messages must have non-empty content except for the optional final assistant message",
            id="empty-user",
        ),
        pytest.param(
            [user("Hi"), claude(""), user("Bye")],
            "messages.1: all messages must have non-empty content except for the optional final assistant message",
            id="empty-claude-amid",
        ),
        pytest.param([user(text(""))], "messages: text content blocks must be non-empty", id="empty-block"),
        pytest.param(
            [user("Hi"), claude(text(""))], "messages: text content blocks must be non-empty", id="empty-final-block"
        ),
        pytest.param(
            [user(" \n")], "messages: text content blocks must contain non-whitespace text", id="blank-content"
        ),
        pytest.param(
            [user(text("\t"), IMAGE)],
            "messages: text content blocks must contain non-whitespace text",
            id="blank-block",
        ),
        pytest.param(
            [user("Hi"), claude("I think ")],
            "messages: final assistant content cannot end with trailing whitespace",
            id="prefill-with-space",
        ),
        pytest.param(
            [user("Hi"), claude(text("I"), text("think\n"))],
            "messages: final assistant content cannot end with trailing whitespace",
            id="prefill-block-with-line",
        ),
        pytest.param(
            [user("Hi"), claude(text("I"), {"type": "redacted_thinking", "data": seal("Hm.")}), user("So?")],
            "messages.1: The final block in an assistant message cannot be `thinking`.",
            id="end-in-thought",
        ),
        pytest.param([user({"text": "Hi"})], "messages.0.content.0.type: Field required", id="no-type"),
        pytest.param(
            [user(text("Hi", annotations=[]))],
            "messages.0.content.0.text.annotations: Extra inputs are not permitted",
            id="annotations",
        ),
        pytest.param(
            [user("Hi"), claude(text("Hello", index=0)), user("Bye")],
            "messages.1.content.0.text.index: Extra inputs are not permitted",
            id="index",
        ),
        pytest.param(
            [user(text("Hi", id="lc_1"))], "messages.0.content.0.text.id: Extra inputs are not permitted", id="id"
        ),
        pytest.param([user({"type": "text"})], "messages.0.content.0.text.text: Field required", id="no-text"),
        pytest.param(
            [user(text("Hi"), "there")], "messages.0.content.1: Input should be a valid dictionary", id="text-in-list"
        ),
        pytest.param(
            [user("Hi"), claude(IMAGE)], "messages.1.content.0: `image` blocks can only be in `user` messages"
        ),
        pytest.param(
            [user({"type": "tool_use", "id": "t", "name": "n", "input": {}})],
            "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages",
            id="tool-use-of-user",
        ),
        pytest.param(
            [user({"type": "thinking", "thinking": "Hm.", "signature": sign("Hm.")})],
            "messages.0.content.0: `thinking` blocks can only be in `assistant` messages",
            id="thinking-of-user",
        ),
        pytest.param(
            [user({"type": "web_search_tool_result", "tool_use_id": "s", "content": []})],
            "messages.0.content.0: `web_search_tool_result` blocks can only be in `assistant` messages",
            id="server-result-of-user",
        ),
    ],
)
def test_bad_messages_are_refused(messages: object, message: str) -> None:
    with pytest.raises(ClaudeError) as caught:
        validate(request(messages))

    assert (caught.value.status, caught.value.message) == (400, message)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, id="openai-image"),
        pytest.param({"type": "input_audio", "input_audio": {}}, id="openai-audio"),
        pytest.param({"type": "reasoning", "reasoning": "Hm."}, id="langchain-reasoning"),
        pytest.param({"type": ["text"], "text": "Hi"}, id="type-is-a-list"),
    ],
)
def test_a_foreign_block_is_refused_by_its_type(block: Block) -> None:
    with pytest.raises(ClaudeError, match=r"^messages\.0\.content\.0: Input tag .* 'document', 'image', .*'text'"):
        validate(request([user(block)]))


def test_newer_models_take_no_prefill() -> None:
    with pytest.raises(ClaudeError, match="does not support assistant message prefill"):
        validate(request([user("Hi"), claude("I think")], model="claude-sonnet-4-6"))
