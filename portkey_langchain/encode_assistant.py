"""An assistant's message, replayed → the gateway's: what was said, thought and called, by any provider's model."""

from __future__ import annotations

from typing import Any, Final, cast

from langchain_core.messages import AIMessage, BaseMessage
from pydantic_core import to_json

from portkey_gateway.conversation.request import ContentBlock, Message, ToolCall
from portkey_gateway.errors import ContentError, EncodingError
from portkey_gateway.routing import is_claude
from portkey_langchain.blocks import cache_control, content_blocks, encode_block, encode_thinking_block
from portkey_langchain.cut import CUT_MARK
from portkey_langchain.decode import MODEL_PROVIDER
from portkey_langchain.media import Block, required_text

_TOOL_CALL_TYPES: Final = frozenset({"tool_use", "tool_call"})
_REASONING_TYPES: Final = frozenset({"thinking", "redacted_thinking", "reasoning"})
# Integrations whose content is in Claude's own blocks, as ours is; None: written by hand.
_CLAUDE_SHAPED: Final = frozenset({None, MODEL_PROVIDER, "anthropic"})
# Others whose reasoning may bear Claude's signature; that of any other model is refused by Anthropic.
_SIGNED_BY_CLAUDE: Final = frozenset({None, "anthropic", "bedrock", "bedrock_converse"})


def encode_assistant(message: BaseMessage, where: str, answered: frozenset[str]) -> Message:
    """Encode an assistant's message.

    Args:
        message: an ``AIMessage``, or a ``ChatMessage`` of that role.
        where: its place, for error texts.
        answered: the ids of the tool calls that have a result.

    Raises:
        EncodingError: if it holds what no assistant can say, or a tool call without an id.
    """
    encoded: Message = {"role": "assistant"}
    calls, left_out = _tool_calls(message, where, answered)
    if isinstance(message.content, str) and _is_claude_shaped(message):
        encoded["content"] = message.content
    elif spoken := _spoken(message, where, calls, left_out):
        is_text = isinstance(message.content, str) and all(block["type"] == "text" for block in spoken)
        encoded["content"] = cast("str", message.content) if is_text else spoken
    if calls:
        encoded["tool_calls"] = list(calls.values())
    return encoded


def _spoken(
    message: BaseMessage, where: str, calls: dict[str, ToolCall], left_out: frozenset[str]
) -> list[ContentBlock]:
    """What was said and thought; the calls among the blocks are added to the others."""
    spoken: list[ContentBlock] = []
    for index, block in enumerate(_blocks(message)):
        path = f"{where}.content[{index}]"
        if block.get("type") in _TOOL_CALL_TYPES:
            _add_tool_call(calls, left_out, block, path)
        elif encoded_block := _encode_block(block, path):
            spoken.append(encoded_block)
    if not _is_signed_by_claude(message):
        spoken = [block for block in spoken if block["type"] == "text"]
    # Thoughts about a call that is left out lead nowhere, and Anthropic refuses an end in thoughts.
    while spoken and not calls and spoken[-1]["type"] != "text":
        spoken.pop()
    return spoken


def _is_claude_shaped(message: BaseMessage) -> bool:
    return message.response_metadata.get("model_provider") in _CLAUDE_SHAPED


def _blocks(message: BaseMessage) -> list[Block]:
    """The content as blocks; that of another provider's integration in LangChain's standard form."""
    if isinstance(message, AIMessage) and not _is_claude_shaped(message):
        return content_blocks(cast("list[str | dict[str, Any]]", message.content_blocks))
    return content_blocks(message.content)


def _encode_block(block: Block, where: str) -> ContentBlock | None:
    if block.get("type") in _REASONING_TYPES:
        return encode_thinking_block(block)
    if _ran_at_provider(block):
        return None
    encoded = encode_block(block, where=where)
    if encoded["type"] != "text":
        raise ContentError(f"{where} is a {block.get('type')!r} block: an assistant message takes text only")
    return encoded


def _is_signed_by_claude(message: BaseMessage) -> bool:
    metadata = message.response_metadata
    if metadata.get("model_provider") == MODEL_PROVIDER:
        return is_claude(metadata.get("model_name") or "", metadata.get("provider"))
    return metadata.get("model_provider") in _SIGNED_BY_CLAUDE


def _ran_at_provider(block: Block) -> bool:
    """Calls of tools that the provider ran by itself, and their results: the gateway takes none of them back.

    Calls whose arguments could not be read stand in ``invalid_tool_calls`` too, where they count; in the content of
    a stream's sum (``output_version="v1"``) they are left as a ``tool_call_chunk``.
    """
    kind = str(block.get("type") or "_tool_use")  # in a stream, the gateway leaves the type of such blocks out
    return kind.endswith(("_tool_use", "_tool_call", "tool_call_chunk", "_tool_result"))


def _tool_calls(
    message: BaseMessage, where: str, answered: frozenset[str]
) -> tuple[dict[str, ToolCall], frozenset[str]]:
    """The calls of a message by id, and the ids of those that are left out.

    Nobody can run a call whose arguments are no JSON, and Anthropic refuses a call without a result. Where somebody
    answered it nevertheless, the model gets to see what it wrote, as JSON: the gateway fails on anything else.
    """
    calls: dict[str, ToolCall] = {}
    if not isinstance(message, AIMessage) or not (message.tool_calls or message.invalid_tool_calls):
        return calls, frozenset()
    for index, call in enumerate(message.tool_calls):
        call_id = call["id"]
        if not call_id or call_id in calls:
            raise EncodingError(
                f"{where}.tool_calls[{index}] needs an id of its own, by which its result is found; got {call_id!r}"
            )
        calls[call_id] = _tool_call(call_id, call["name"], call["args"])
    invalid_calls = {call["id"] or "": call for call in message.invalid_tool_calls}
    for call_id, invalid in invalid_calls.items():
        if call_id in answered:
            args = {"invalid_arguments": (invalid["args"] or "").removesuffix(CUT_MARK)}
            calls[call_id] = _tool_call(call_id, invalid["name"] or "unknown", args)
    return calls, frozenset(invalid_calls.keys() - answered)


def _add_tool_call(calls: dict[str, ToolCall], left_out: frozenset[str], block: Block, where: str) -> None:
    """Add a call that stands in the content; most stand in ``message.tool_calls`` too, and once is enough."""
    call_id = required_text(block, "id", where=where)
    if call_id in left_out:
        return
    name = required_text(block, "name", where=where)
    call = calls.setdefault(call_id, _tool_call(call_id, name, block.get("input", block.get("args"))))
    if mark := cache_control(block, where=where):
        call["cache_control"] = mark


def _tool_call(call_id: str, name: str, args: Any) -> ToolCall:
    arguments = args if isinstance(args, str) else to_json(args or {}).decode()
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
