"""An assistant's message, replayed → the gateway's: what any model thought, said and called.

What cannot be sent of the past is left out: no model takes it, and a conversation has to go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from portkey_gateway.conversation.answer import BROKEN_OFF, finish_reason
from portkey_gateway.conversation.arguments import as_arguments
from portkey_gateway.conversation.content import media_block, text_block
from portkey_gateway.conversation.in_place import CALL, part_calls
from portkey_gateway.conversation.request import ContentBlock, MediaBlock, Message, ToolCall
from portkey_gateway.errors import ContentError, EncodingError, warn
from portkey_llamaindex.cache_points import cache_control, mark_last
from portkey_llamaindex.claude_notes import ClaudeNotes
from portkey_llamaindex.media import load_media
from portkey_llamaindex.tools import whole_arguments

# What may be noted of a text, and of a call: by Claude who called, by Gemini 3 the proof that it wants to see again.
_FITTING_NOTES: Final = {
    "text": frozenset({"citations"}),
    CALL: frozenset({"caller", "toolset_name", "thought_signature"}),
}
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
_ARGUMENTS: Final = ("arguments", "input", "parameters", "args")
"""What the arguments of a call are called by OpenAI, Anthropic, Cohere and Gemini."""


def encode_assistant(message: ChatMessage, where: str, answered: frozenset[str]) -> Message:
    """Encode an assistant's message.

    Args:
        message: of this class or of any other LLM class.
        where: its place, for errors and warnings.
        answered: the ids of the tool calls that have a result, or the names of their tools.

    Returns:
        The message; calls that text follows stand among its blocks in Anthropic's form, as they were said.

    Raises:
        EncodingError: if a tool call has no name, or a ``CachePoint`` marks nothing.

    Warns:
        PortkeyWarning: if something that a model showed is left out.
    """
    said = _said(message, where, answered)
    spoken, calls = part_calls(said)
    if not any(isinstance(block, ToolCallBlock) for block in message.blocks):
        calls = [*_other_tool_calls(message, where)]
    encoded: Message = {"role": "assistant", "content": simplified(cast("list[ContentBlock]", spoken))}
    if calls:
        encoded["tool_calls"] = cast("list[ToolCall]", calls)
    if sound := _spoken_sound(message):
        encoded["audio"] = sound
    return encoded


def _spoken_sound(message: ChatMessage) -> dict[str, Any]:
    """What is known of a spoken answer but for its data, which no model takes back."""
    kwargs = message.additional_kwargs
    reference = kwargs.get("reference_audio_id")
    told = kwargs.get("audio") or ({"id": reference} if reference else {})
    return {name: told[name] for name in ("id", "transcript", "expires_at") if told.get(name)}


def simplified(blocks: list[ContentBlock]) -> str | list[ContentBlock]:
    """One plain text is said as a string, which every provider takes."""
    if not blocks:
        return ""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return cast("str", cast("Mapping[str, Any]", blocks[0])["text"])
    return blocks


def _said(message: ChatMessage, where: str, answered: frozenset[str]) -> list[dict[str, Any]]:
    """Everything that was said, in its order: blocks, calls, and Claude's own blocks in their places."""
    notes = ClaudeNotes(message)
    half = _half_call(message, answered)
    said: list[dict[str, Any]] = []
    at = 0
    for index, block in enumerate(message.blocks):
        path = f"{where}.blocks[{index}]"
        if isinstance(block, AudioBlock) and _spoken_sound(message):
            continue  # told by its id, or in words
        if isinstance(block, CitationBlock):
            continue  # the text before it has the citation itself, in its note
        said.extend(notes.blocks(at))
        if isinstance(block, CachePoint):
            mark_last(said, cache_control(block, path), path)
            continue
        encoded = [] if block is half else _encode_block(block, path)
        if len(encoded) == 1:
            encoded = [_with_more(encoded[0], notes.more(at))]
        said.extend(encoded)
        at += 1
    said.extend(notes.blocks())
    # Thoughts about a call that is left out lead nowhere.
    while half and said and said[-1]["type"] in _THOUGHTS:
        said.pop()
    return said


def _half_call(message: ChatMessage, answered: frozenset[str]) -> ToolCallBlock | None:
    """The call that an answer broke off in, where it has no result: nobody could run it, and it stays behind.

    Anthropic refuses a call without a result. That the answer broke off is told by arguments that are no JSON object,
    or by its stop reason.
    """
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    last = calls[-1] if calls else None
    if last is None or not answered.isdisjoint({str(last.tool_call_id), last.tool_name}):
        return None
    is_broken_off = finish_reason(message.additional_kwargs.get("stop_reason")) in BROKEN_OFF
    return last if is_broken_off or whole_arguments(last.tool_kwargs) is None else None


def _encode_block(block: Any, path: str) -> Sequence[Any]:
    if isinstance(block, TextBlock):
        return [text_block(block.text)] if block.text else []
    if isinstance(block, ThinkingBlock):
        return _encode_thinking(block)
    if isinstance(block, ToolCallBlock):
        return [_tool_call(block.tool_call_id, block.tool_name, block.tool_kwargs, path)]
    if isinstance(block, CitableBlock):
        return [text_block(part.text) for part in block.content if isinstance(part, TextBlock) and part.text]
    if isinstance(block, ImageBlock) and (drawn := _drawn(block)):
        return [drawn]
    kind = type(block).__name__
    warn(f"{path} is of type {kind}, which no model takes back from an assistant: it is left out")
    return []


def _drawn(block: ImageBlock) -> MediaBlock | None:
    """A picture that a model drew, if the block holds it: where it may not go back, the core leaves it out."""
    try:
        media = load_media(block)
    except ContentError:
        return None
    return media_block(media) if media.data else None


def _encode_thinking(block: ThinkingBlock) -> Sequence[Any]:
    """Only Claude signs its reasoning, and Anthropic refuses what is not signed: another's is left out."""
    if data := block.additional_information.get("data"):
        return [{"type": "redacted_thinking", "data": data}]
    if signature := block.additional_information.get("signature"):
        return [{"type": "thinking", "thinking": block.content or "", "signature": signature}]
    return []


def _with_more(encoded: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """A block with what else its model said of it; a note that fits no longer, as blocks changed, is left."""
    fitting = _FITTING_NOTES.get(encoded["type"], frozenset())
    return encoded | {name: value for name, value in more.items() if name in fitting}


def _other_tool_calls(message: ChatMessage, where: str) -> list[dict[str, Any]]:
    """Tool calls as other LLM classes keep them: dicts or objects in ``additional_kwargs``."""
    calls = []
    told = message.additional_kwargs.get("function_call")
    if told and not message.additional_kwargs.get("tool_calls"):
        # As OpenAI told of one before tools had ids; its result has the role "function".
        path = f"{where}.additional_kwargs['function_call']"
        return [_tool_call(None, told.get("name"), told.get("arguments") or {}, path)]
    for index, call in enumerate(message.additional_kwargs.get("tool_calls") or ()):
        path = f"{where}.additional_kwargs['tool_calls'][{index}]"
        given = call if isinstance(call, Mapping) else call.model_dump()
        function = given.get("function") or given
        arguments: Any = next((function[name] for name in _ARGUMENTS if function.get(name) is not None), {})
        # Of OpenAI's Responses API an item has two; the last is that of LlamaIndex's class for Bedrock, as in Converse.
        call_id = given.get("call_id") or given.get("id") or given.get("toolUseId")
        calls.append(_tool_call(call_id, function.get("name"), arguments, path))
    return calls


def _tool_call(call_id: str | None, name: str | None, arguments: Any, path: str) -> dict[str, Any]:
    if not name:
        raise EncodingError(f"{path} is a tool call without a name")
    sent = whole_arguments(arguments)
    if sent is None:
        # The model gets to see what it wrote, as JSON: the gateway fails with 500 on anything else.
        sent = {"invalid_arguments": arguments}
    return {"id": call_id or "", "type": CALL, "function": {"name": name, "arguments": as_arguments(sent)}}
