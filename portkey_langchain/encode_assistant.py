"""An assistant's message, replayed → the gateway's: what was said, thought and called, by any provider's model."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final, Literal, cast

from langchain_core.messages import AIMessage, BaseMessage

from portkey_gateway.conversation.arguments import as_arguments
from portkey_gateway.conversation.in_place import part_calls
from portkey_gateway.conversation.media import with_data
from portkey_gateway.conversation.request import ContentBlock, Message, ToolCall
from portkey_gateway.errors import ContentError, warn
from portkey_gateway.routing import is_claude
from portkey_langchain.blocks import (
    TEXT_TYPES,
    cache_control,
    content_blocks,
    encode_text_block,
    encode_thinking_block,
)
from portkey_langchain.claude_blocks import as_claude_block, citations_of
from portkey_langchain.cut import CUT_MARK
from portkey_langchain.decode import MODEL_PROVIDER, TOOL_CALL_EXTRAS
from portkey_langchain.media import MEDIA_TYPES, Block, encode_media, extras_of, required_text

_TOOL_CALL_TYPES: Final = frozenset({"tool_use", "tool_call"})
_CALL_EXTRAS: Final[tuple[Literal["caller", "toolset_name", "thought_signature"], ...]] = (
    "caller",
    "toolset_name",
    "thought_signature",
)
_NO_EXTRAS: Final[Block] = MappingProxyType({})
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
_REASONING_TYPES: Final = _THOUGHTS | {"reasoning"}
# What other models said in their own way, and pieces of calls that stand in full elsewhere.
_LEFT_OUT: Final = frozenset(
    {None, "audio", "refusal", "reasoning_content", "executable_code", "code_execution_result", "function_call",
     "custom_tool_call", "tool_call_chunk", "server_tool_call_chunk", "server_tool_result", "invalid_tool_call",
     "input_json_delta"}
)  # fmt: skip
_PICTURES: Final = frozenset({"image", "image_url"})
# Integrations whose content is in Claude's own blocks, as ours is; None: written by hand.
CLAUDE_SHAPED: Final = frozenset({None, MODEL_PROVIDER, "anthropic"})
# Others whose reasoning may bear Claude's signature; that of any other model is refused by Anthropic.
_SIGNED_BY_CLAUDE: Final = frozenset({None, "anthropic", "bedrock", "bedrock_converse"})


def encode_assistant(message: BaseMessage, where: str, answered: frozenset[str]) -> Message:
    """Encode an assistant's message.

    Args:
        message: an ``AIMessage``, or a ``ChatMessage`` of that role.
        where: its place, for error texts.
        answered: the ids of the tool calls that have a result.

    Returns:
        The message; calls that something else follows stand among its blocks, as they were said.

    Raises:
        EncodingError: if a text or a tool call is none.
    """
    encoded: Message = {"role": "assistant"}
    calls, left_out = _tool_calls(message, answered)
    if isinstance(message.content, str) and _is_claude_shaped(message):
        encoded["content"] = message.content
    elif said := _said(message, where, calls, left_out, answered):
        spoken, behind = part_calls(said)
        if not behind:
            # Those that stand among the blocks are told there.
            calls = {key: call for key, call in calls.items() if all(call is not each for each in said)}
        is_text = isinstance(message.content, str) and all(block["type"] == "text" for block in spoken)
        if spoken:
            encoded["content"] = cast("Any", message.content if is_text else spoken)
    if calls:
        encoded["tool_calls"] = list(calls.values())
    if sound := _spoken_sound(message):
        encoded["audio"] = sound
    return encoded


def _spoken_sound(message: BaseMessage) -> dict[str, Any]:
    """What is known of a spoken answer but for its data, which no model takes back: beside the content or in it."""
    told = message.additional_kwargs.get("audio")
    if not isinstance(told, dict):
        content = message.content if isinstance(message.content, list) else []
        blocks = (block for block in content if isinstance(block, dict) and block.get("type") == "audio")
        block = next(blocks, {})
        told = {"id": block.get("id"), **extras_of(block)}
    return {name: told[name] for name in ("id", "transcript", "expires_at") if told.get(name)}


def _said(
    message: BaseMessage, where: str, calls: dict[str, ToolCall], left_out: frozenset[str], answered: frozenset[str]
) -> list[Block]:
    """What was said and thought, with the calls in their places; those that stand there alone are added to the others.

    Thoughts about a call that is left out lead nowhere.
    """
    said: list[Block] = []
    is_signed = _is_signed_by_claude(message)
    is_ours = is_signed and message.response_metadata.get("model_provider") == MODEL_PROVIDER
    for index, given in enumerate(_blocks(message)):
        path, block = f"{where}.content[{index}]", _as_told(given, answered)
        if block.get("type") in _TOOL_CALL_TYPES:
            call = None if _is_taken_out(block, message) else _find_tool_call(calls, left_out, block, path)
            # Some models give one id to several calls.
            same = [each for each in calls.values() if call and each["id"] == call["id"]]
            if new := next((each for each in same if all(each is not told for told in said)), None):
                said.append(cast("Block", new))
        elif drawn := _drawn(block, path):
            said.append(cast("Block", drawn))
        elif encoded_block := _encode_block(block, path, is_signed=is_signed, is_ours=is_ours):
            said.append(cast("Block", encoded_block))
    while said and not calls and said[-1]["type"] in _THOUGHTS:
        said.pop()
    return said


def _as_told(block: Block, answered: frozenset[str]) -> Block:
    """A call as OpenAI's Responses API tells it, whose own id is not that of its result, as any other."""
    if block.get("type") != "function_call" or block.get("call_id") not in answered or not block.get("name"):
        return block
    return {"type": "tool_call", "id": block.get("call_id"), "name": block["name"], "args": block.get("arguments")}


def _is_claude_shaped(message: BaseMessage) -> bool:
    return message.response_metadata.get("model_provider") in CLAUDE_SHAPED


def _blocks(message: BaseMessage) -> list[Block]:
    """The content as blocks; that of another provider's integration in LangChain's standard form."""
    if isinstance(message, AIMessage) and not _is_claude_shaped(message):
        return content_blocks(cast("list[str | dict[str, Any]]", message.content_blocks))
    return content_blocks(message.content)


def _encode_block(block: Block, where: str, *, is_signed: bool, is_ours: bool) -> ContentBlock | None:
    """What was said of it to the next turn: text, and of Claude's own answers all that Claude said.

    Of an answer that was decoded here that holds for blocks of kinds that are not known yet, too: Anthropic wants
    answers back as they were. Anything else in the past of an assistant, which another model said in its own way, is
    left out: no model takes it, and a conversation has to go on.
    """
    kind = block.get("type")
    if kind in TEXT_TYPES or (kind is None and isinstance(block.get("text"), str)):
        if not block.get("text"):
            return None
        block = {**block, "type": "text"}
        encoded = encode_text_block(block, where=where)
        citations = citations_of(block) if is_signed else None
        return cast("ContentBlock", {**encoded, "citations": citations}) if citations else encoded
    if kind in _REASONING_TYPES:
        return encode_thinking_block(block) if is_signed else None
    own = as_claude_block(block)
    if own is not None:
        return cast("ContentBlock", own) if is_signed else None
    if is_ours and kind not in _LEFT_OUT | MEDIA_TYPES:
        return cast("ContentBlock", {name: value for name, value in block.items() if name != "index"})
    if kind not in _LEFT_OUT:
        warn(f"{where} is a block of type {kind!r}, which no model takes back from an assistant: it is left out")
    return None


def _drawn(block: Block, where: str) -> ContentBlock | None:
    """A picture that a model drew, if its data are told: where it may not go back, the core leaves it out."""
    if block.get("type") not in _PICTURES:
        return None
    try:
        encoded = with_data(encode_media(block, where=where))
    except ContentError:
        return None
    return cast("ContentBlock", encoded) if encoded["source"]["type"] == "base64" else None


def _is_signed_by_claude(message: BaseMessage) -> bool:
    """Whether a Claude said it, as far as is told: its provider and, where that has others too, its model."""
    metadata = message.response_metadata
    provider, name = metadata.get("model_provider"), metadata.get("model_name") or metadata.get("model") or ""
    if provider == MODEL_PROVIDER:
        return is_claude(name, metadata.get("provider"))
    return provider in _SIGNED_BY_CLAUDE and (provider == "anthropic" or not name or is_claude(name))


def _tool_calls(message: BaseMessage, answered: frozenset[str]) -> tuple[dict[str, ToolCall], frozenset[str]]:
    """The calls of a message by id, and the ids of those that are left out.

    Nobody can run a call whose arguments are no JSON, and Anthropic refuses a call without a result. Where somebody
    answered it nevertheless, the model gets to see what it wrote, as JSON: the gateway fails on anything else.
    """
    calls: dict[str, ToolCall] = {}
    if not isinstance(message, AIMessage) or not (message.tool_calls or message.invalid_tool_calls):
        return calls, frozenset()
    told = message.additional_kwargs.get(TOOL_CALL_EXTRAS) or {}
    for index, call in enumerate(message.tool_calls):
        call_id = call["id"] or ""
        # Some models give none, or one id to several calls: what is sent has one of its own.
        key = f"{call_id}[{index}]" if not call_id or call_id in calls else call_id
        calls[key] = _tool_call(call_id, call["name"], call["args"], told.get(call_id) or {})
    invalid_calls = [(call["id"] or "", call) for call in message.invalid_tool_calls]
    for index, (call_id, invalid) in enumerate(invalid_calls):
        if call_id in answered:
            args = {"invalid_arguments": (invalid["args"] or "").removesuffix(CUT_MARK)}
            key = f"{call_id}[invalid {index}]" if not call_id or call_id in calls else call_id
            calls[key] = _tool_call(call_id, invalid["name"] or "unknown", args)
    return calls, frozenset({call_id for call_id, _ in invalid_calls} - answered)


def _is_taken_out(block: Block, message: BaseMessage) -> bool:
    """Whether a call stands in the content alone, while ``tool_calls``, which people change, holds others or none.

    Our answers and ChatAnthropic's tell each call in both; who writes content by hand may tell it there alone.
    """
    if not isinstance(message, AIMessage):
        return False
    known = [call["id"] for call in (*message.tool_calls, *message.invalid_tool_calls)]
    is_told_twice = message.response_metadata.get("model_provider") in {MODEL_PROVIDER, "anthropic"}
    return (bool(known) or is_told_twice) and block.get("id") not in known and bool(block.get("id"))


def _find_tool_call(calls: dict[str, ToolCall], left_out: frozenset[str], block: Block, where: str) -> ToolCall | None:
    """The call that stands in the content; most stand in ``message.tool_calls`` too, any other is added to those."""
    call_id, name = str(block.get("id") or ""), required_text(block, "name", where=where)
    if call_id in left_out:
        return None
    if not call_id and any(not call["id"] and call["function"]["name"] == name for call in calls.values()):
        return None
    key = call_id or where
    call = calls.setdefault(key, _tool_call(call_id, name, block.get("input", block.get("args"))))
    if mark := cache_control(block, where=where):
        call["cache_control"] = mark
    for extra in _CALL_EXTRAS:
        if value := block.get(extra) or extras_of(block).get(extra):
            call[extra] = value
    return call


def _tool_call(call_id: str, name: str, args: Any, extras: Block = _NO_EXTRAS) -> ToolCall:
    arguments = args if isinstance(args, str) else as_arguments(args or {})
    call: ToolCall = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    for extra in _CALL_EXTRAS:
        if value := extras.get(extra):
            call[extra] = value
    return call
