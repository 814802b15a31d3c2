"""Messages of a conversation → those of a chat completion: media, tool results, thinking, for a Claude or any other.

The open-source gateway 1.15.2 drops parts of a user message that it does not know without a word
(``providers/anthropic/chatComplete.ts``), so everything that leaves here is in a form it is known to carry.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from portkey_gateway.chat_completions.losses import BLOCK_LOSSES, remedy
from portkey_gateway.chat_completions.media import MEDIA, encode_media
from portkey_gateway.chat_completions.proofs import PROOF, with_proofs
from portkey_gateway.chat_completions.providers import find_provider
from portkey_gateway.conversation.arguments import as_arguments, with_known_numbers
from portkey_gateway.conversation.claude import as_said_before
from portkey_gateway.conversation.media import as_media, with_data
from portkey_gateway.conversation.request import ContentBlock, Message, TextBlock, ToolCall
from portkey_gateway.conversation.sound import as_text
from portkey_gateway.errors import ContentError, warn
from portkey_gateway.routing import Route

ERROR_PREFIX: Final = "Error: "
_PASSED: Final = frozenset({"text", "image_url", "file"})
_SAID: Final = ("content", "content_blocks", "tool_calls", "audio")
_OF_A_CALL: Final = ("cache_control", "caller", "toolset_name", PROOF)
_OF_ONE_PROVIDER: Final = frozenset({"caller", "toolset_name", PROOF})


def encode_message(message: Message, where: str, route: Route) -> Message:
    """Encode one message; most are the same here as there.

    Args:
        message: of the conversation; it is not changed.
        where: its place, for errors and warnings.
        route: where the call goes.

    Raises:
        ContentError: if it holds a block that the gateway would drop.

    Warns:
        PortkeyWarning: if something of a block does not arrive.
    """
    role, content = message["role"], message.get("content")
    if role == "assistant":
        return _encode_assistant(message, where, route)
    if isinstance(content, list):
        encode = _encode_tool_block if role == "tool" else _encode_block
        blocks = [encode(block, f"{where}.content[{index}]", route) for index, block in enumerate(content)]
        message = cast("Message", {**message, "content": blocks})
    if "is_error" in message:
        message = _told_in_words(message)
    return message


def says_something(message: Message) -> bool:
    """Tell whether a message is one: of an answer that was refused, or was thoughts alone, nothing may be left.

    Args:
        message: encoded.
    """
    return message["role"] != "assistant" or any(message.get(name) for name in _SAID)


def _encode_assistant(message: Message, where: str, route: Route) -> Message:
    """The gateway sends ``content_blocks`` on to Claude as they are, in place of content; calls stand apart."""
    if sound := message.get("audio"):
        message = _encode_spoken(message, sound, route)
    content = message.get("content")
    if calls := _calls(content, message):
        message = cast("Message", {**message, "tool_calls": [*_encode_calls(calls, route)]})
    if not isinstance(content, list):
        return message
    spoken = [block for block in content if block["type"] != "tool_use"]
    encoded: dict[str, Any] = {**message}
    texts = [block for block in spoken if block["type"] == "text"]
    del encoded["content"]
    if any(block["type"] == "image" for block in spoken):
        # There are some only where a Gemini answers.
        shown = [block for block in spoken if block["type"] in {"text", "image"}]
        encoded["content"] = [
            _encode_block(block, f"{where}.content", route) if block["type"] == "image" else _only_text(block)
            for block in shown
        ]
        return cast("Message", encoded)
    if texts:
        encoded["content"] = [_only_text(block) for block in texts]
    if (not route.is_claude or route.is_mixed) and len(texts) < len(spoken) and _is_one_text(texts):
        # What is left of an answer of Claude's for others: one text as a string, which every provider takes.
        encoded["content"] = texts[0]["text"]
    if spoken and spoken != encoded.get("content") and route.is_claude and not route.is_mixed:
        encoded["content_blocks"] = [as_said_before(cast("Mapping[str, Any]", block)) for block in spoken]
    return cast("Message", encoded)


def _encode_spoken(message: Message, sound: dict[str, Any], route: Route) -> Message:
    """OpenAI knows for a while what it has spoken by an id; to all others it is said in words."""
    known = [find_provider(provider, model) for provider, model in route.targets]
    takes_it = not route.is_claude and all(each is None or "audio" in each.parameters for each in known)
    if not takes_it or "id" not in sound or sound.get("expires_at", math.inf) <= time.time():
        return as_text(message)
    return {**message, "audio": {"id": sound["id"]}}


def _encode_calls(calls: list[ToolCall], route: Route) -> Iterator[dict[str, Any]]:
    encoded = []
    for call in calls:
        function = call["function"]
        if route.is_claude and call.get("caller", {}).get("type", "direct") != "direct":
            _warn_of("caller", f"the caller of {function['name']!r}", route)
        if route.is_claude and call.get("toolset_name"):
            _warn_of("caller", f"toolset_name of {function['name']!r}", route)
        told: dict[str, Any] = {name: value for name, value in call.items() if name not in _OF_ONE_PROVIDER}
        told["function"] = {**function, "arguments": with_known_numbers(function["arguments"])}
        encoded.append(told)
    return with_proofs(encoded, {call["id"]: call[PROOF] for call in calls if PROOF in call}, route)


def _is_one_text(texts: list[TextBlock]) -> bool:
    return len(texts) == 1 and "cache_control" not in texts[0]


def _only_text(block: ContentBlock) -> ContentBlock:
    """A text without its citations, which only ``content_blocks`` carry."""
    return cast("ContentBlock", {name: value for name, value in block.items() if name != "citations"})


def _calls(content: str | list[ContentBlock] | None, message: Message) -> list[ToolCall]:
    """All calls, each once: those that stand among the blocks, in Anthropic's form, before those beside them."""
    told = {call["id"]: call for call in message.get("tool_calls", ())}
    blocks = cast("list[Mapping[str, Any]]", content if isinstance(content, list) else [])
    among = [
        told.pop(block["id"]) if block["id"] in told else _as_call(block)
        for block in blocks
        if block["type"] == "tool_use"
    ]
    return [*among, *told.values()]


def _as_call(block: Mapping[str, Any]) -> ToolCall:
    function = {"name": block["name"], "arguments": as_arguments(block.get("input") or {})}
    kept = {name: block[name] for name in _OF_A_CALL if block.get(name)}
    return cast("ToolCall", {"id": block["id"], "type": "function", "function": function, **kept})


def _encode_block(block: ContentBlock, where: str, route: Route) -> ContentBlock:
    """A block of a system or user message."""
    if route.is_claude and _is_openai_s_own(block):
        block = as_media(cast("Mapping[str, Any]", block), where)
    kind = block["type"]
    if kind in MEDIA:
        return encode_media(cast("Mapping[str, Any]", block), where, route)
    if kind == "file" and route.is_claude and block.get("cache_control"):
        _warn_of("mark_document", f"cache_control on {where}", route)
        return cast("ContentBlock", {name: value for name, value in block.items() if name != "cache_control"})
    if route.is_claude and kind not in _PASSED:
        why = remedy(BLOCK_LOSSES["other_blocks"], route)
        raise ContentError(f"{where} is a block of type {kind!r}, which the gateway drops; {why}")
    return block


def _is_openai_s_own(block: ContentBlock) -> bool:
    """A form that the gateway reads otherwise for Claude: a file's data URL, a marked link to an image."""
    if block["type"] == "file":
        return str(block["file"].get("file_data", "")).startswith("data:")
    is_marked = block["type"] == "image_url" and bool(block.get("cache_control"))
    return is_marked and not str(block["image_url"]["url"]).startswith("data:")  # type: ignore[typeddict-item]  # it is that


def _encode_tool_block(block: ContentBlock, where: str, route: Route) -> ContentBlock:
    """A block of a tool message, whose content the gateway passes on to Claude untransformed."""
    kind = block["type"]
    if kind == "text":
        return block
    if route.is_claude and kind not in {"image_url", "file"}:
        own = with_data(cast("Mapping[str, Any]", block))
        return cast("ContentBlock", {name: value for name, value in own.items() if name != "detail"})
    if route.is_claude:
        return cast("ContentBlock", as_media(cast("Mapping[str, Any]", block), where))
    raise ContentError(f"{where} is of type {kind!r}: only Claude takes that in a tool message; say it in words")


def _told_in_words(message: Message) -> Message:
    """A tool message whose words say that the tool failed, where they have to."""
    told = cast("Message", {name: value for name, value in message.items() if name != "is_error"})
    content = message.get("content")
    if not message.get("is_error"):
        return told
    if isinstance(content, list):
        told["content"] = [{"type": "text", "text": ERROR_PREFIX.strip()}, *content]
    else:
        text = content or ""
        told["content"] = text if text.startswith(ERROR_PREFIX) else ERROR_PREFIX + text
    return told


def _warn_of(loss: str, what: str, route: Route) -> None:
    warn(f"the gateway drops {what}: {remedy(BLOCK_LOSSES[loss], route)}")
