"""LlamaIndex tools → the gateway's, and the tool calls of an answer → what LlamaIndex runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool
from pydantic_core import from_json

from portkey_gateway.conversation.answer import BROKEN_OFF
from portkey_gateway.conversation.request import Tool


def encode_tool(tool: BaseTool) -> Tool:
    """Encode a tool; Claude takes longer descriptions than the 1024 characters that LlamaIndex allows OpenAI."""
    return cast("Tool", tool.metadata.to_openai_tool(skip_length_check=True))


def select_tools(response: ChatResponse) -> list[ToolSelection]:
    """List the tool calls of a response, to be run, or so far streamed, to be shown.

    A response that still grows has no ``raw``: its arguments are told as far as they are known. Of one that has ended
    every call must be whole. That its arguments can be read does not show it: a whole answer of Claude that was cut off
    inside a tool call has ``{}`` for them, which a tool whose arguments all have defaults would take.

    Raises:
        ValueError: if the answer has ended, and was broken off or holds arguments that are not a JSON object.
    """
    calls = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
    read = partial_arguments if response.raw is None else _required_arguments
    if calls and isinstance(response.raw, Mapping) and (how := BROKEN_OFF.get(response.raw.get("finish_reason", ""))):
        names = ", ".join(repr(call.tool_name) for call in calls)
        raise ValueError(f"the answer that calls {names} {how}; no tool is run on half of its arguments")
    return [
        ToolSelection(tool_id=call.tool_call_id or "", tool_name=call.tool_name, tool_kwargs=read(call))
        for call in calls
    ]


def whole_arguments(arguments: dict[str, Any] | str) -> dict[str, Any] | None:
    """Read a tool call's arguments; ``None`` if they are not a JSON object. No text at all is no arguments."""
    if isinstance(arguments, dict):
        return arguments
    try:
        parsed = from_json(arguments or "{}")
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def partial_arguments(call: ToolCallBlock) -> dict[str, Any]:
    """Read a call's arguments as far as a stream has told them: to be shown, never to be run."""
    if isinstance(call.tool_kwargs, dict):
        return call.tool_kwargs
    try:
        parsed = from_json(call.tool_kwargs, allow_partial="trailing-strings")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _required_arguments(call: ToolCallBlock) -> dict[str, Any]:
    arguments = whole_arguments(call.tool_kwargs)
    if arguments is None:
        raise ValueError(f"the model called {call.tool_name!r} with arguments that are not a JSON object: not run")
    return arguments
