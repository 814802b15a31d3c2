"""Messages of a conversation → those of Anthropic's Messages API: pure, and nothing of them is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from pydantic_core import from_json

from portkey_gateway.conversation.claude import as_said_before
from portkey_gateway.conversation.media import as_media
from portkey_gateway.conversation.request import SYSTEM_ROLES, ContentBlock, Message, ToolCall
from portkey_gateway.errors import ContentError, EncodingError

Block = dict[str, Any]

_OPENAI_MEDIA: Final = frozenset({"image_url", "file"})
_PLAIN: Final = frozenset({"role", "content", "name"})
# OpenAI's, which Claude has no counterpart for.
_UNKNOWN_TO_CLAUDE: Final = frozenset({"input_audio", "audio", "video", "video_url", "refusal"})


def encode_system(messages: Iterable[Message]) -> list[Block]:
    """Gather the system and developer messages, wherever they stand, as the blocks of ``system``."""
    return [
        block
        for index, message in enumerate(messages)
        if message["role"] in SYSTEM_ROLES
        for block in _encode_content(message.get("content"), f"messages[{index}]")
    ]


def encode_messages(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Encode all but the system messages; neighbours of one side become one message, as Anthropic reads them.

    Raises:
        EncodingError: if a block has no form for Claude, or a tool call's arguments are no JSON object.
    """
    encoded: list[dict[str, Any]] = []
    last_role = ""
    for index, message in enumerate(messages):
        said = message["role"]
        if said in SYSTEM_ROLES:
            continue
        role = "assistant" if said == "assistant" else "user"
        text = message.get("content")
        # Most of a long history is plain text.
        if isinstance(text, str) and text and said != "tool" and message.keys() <= _PLAIN:
            content: list[Block] = [{"type": "text", "text": text}]
        else:
            content = [*_encode_message(message, f"messages[{index}]")]
        if role == last_role:
            encoded[-1]["content"].extend(content)
        elif content:
            encoded.append({"role": role, "content": content})
            last_role = role
    return encoded


def _encode_message(message: Message, where: str) -> Iterator[Block]:
    if message["role"] == "tool":
        yield _encode_result(message, where)
    elif message["role"] == "user":
        yield from _encode_content(message.get("content"), where)
    else:
        said = [*_encode_content(message.get("content_blocks") or message.get("content"), where)]
        yield from said
        known = {block.get("id") for block in said if block["type"] == "tool_use"}
        for index, call in enumerate(message.get("tool_calls") or ()):
            if call["id"] not in known:
                yield _encode_call(call, f"{where}.tool_calls[{index}]")


def _encode_result(message: Message, where: str) -> Block:
    content = message.get("content")
    encoded: Block = {
        "type": "tool_result",
        "tool_use_id": message.get("tool_call_id"),
        # A text stays one: Anthropic reads both alike, and what was sent before stays as it was.
        "content": content if isinstance(content, str) else [*_encode_content(content, where)],
    }
    if message.get("is_error"):
        # Anthropic refuses a failure without a word.
        encoded |= {"is_error": True, "content": encoded["content"] or "Error"}
    return encoded


def _encode_call(call: ToolCall, where: str) -> Block:
    function = call["function"]
    try:
        arguments = from_json(function["arguments"] or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise EncodingError(
            f"{where}: the arguments of {function['name']!r} are no JSON object; Claude takes nothing else"
        )
    encoded: Block = {"type": "tool_use", "id": call["id"], "name": function["name"], "input": arguments}
    if caller := call.get("caller"):
        encoded["caller"] = caller
    if mark := call.get("cache_control"):
        encoded["cache_control"] = mark
    return encoded


def _encode_content(content: str | Iterable[ContentBlock] | None, where: str) -> Iterator[Block]:
    if isinstance(content, str):
        if content:
            yield {"type": "text", "text": content}
        return
    for index, block in enumerate(content or ()):
        yield encode_block(cast("Mapping[str, Any]", block), f"{where}.content[{index}]")


def encode_block(block: Mapping[str, Any], where: str) -> Block:
    """Encode one block: Anthropic's own as they are, OpenAI's media in Anthropic's form.

    Raises:
        ContentError: if Claude has no form for it.
    """
    kind = block["type"]
    if kind in _UNKNOWN_TO_CLAUDE:
        raise ContentError(f"{where} is a {kind!r} block, which Claude does not take")
    if kind in _OPENAI_MEDIA:
        block = cast("Mapping[str, Any]", as_media(block, where))
    if kind == "text" and block.get("citations"):
        return as_said_before(block)
    return {name: value for name, value in block.items() if name != "detail"}
