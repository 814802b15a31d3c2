"""LlamaIndex tools → the gateway's, and the tool calls of an answer → what LlamaIndex runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool
from pydantic_core import from_json

from portkey_gateway.conversation.answer import BROKEN_OFF
from portkey_gateway.conversation.request import Tool
from portkey_gateway.conversation.schema import with_object_at_top
from portkey_gateway.conversation.tools import is_server_tool

_SAID_BY_TOOL: Final = frozenset({"title", "description"})


def encode_tool(tool: BaseTool) -> Tool:
    """Encode a tool under its own name, by which LlamaIndex finds it again; the core fits it to the wire, and back.

    Claude takes longer descriptions than the 1024 characters that LlamaIndex allows OpenAI.
    """
    encoded = tool.metadata.to_openai_tool(skip_length_check=True)
    function = {**encoded["function"], "name": tool.metadata.get_name()}
    if "$ref" in (own := _own_schema(tool)):
        # Of a class that explains itself LlamaIndex (0.14.25) keeps the definitions alone.
        kept = {word: value for word, value in with_object_at_top(own).items() if word not in _SAID_BY_TOOL}
        function["parameters"] = kept
    return cast("Tool", {**encoded, "function": function})


def _own_schema(tool: BaseTool) -> dict[str, Any]:
    of = tool.metadata.fn_schema
    return of.model_json_schema() if of else {}


def beside_own(own: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The tools of a call, behind those of the model's own tools that the provider runs by itself.

    Args:
        own: tools that every call of the model offers.
        tools: those of this call, which win.
    """
    named = {tool.get("name") for tool in tools} - {None}
    kept = (tool for tool in own if is_server_tool(tool) and tool not in tools and tool.get("name") not in named)
    return [*kept, *tools]


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
    if calls and (how := broken_off(response)):
        names = ", ".join(repr(call.tool_name) for call in calls)
        raise ValueError(f"the answer that calls {names} {how}; no tool is run on half of its arguments")
    return [
        ToolSelection(tool_id=call.tool_call_id or "", tool_name=call.tool_name, tool_kwargs=read(call))
        for call in calls
    ]


def broken_off(response: ChatResponse) -> str:
    """Tell what broke off an answer before its end; nothing if it is whole, or goes on."""
    raw = response.raw if isinstance(response.raw, Mapping) else {}
    return BROKEN_OFF.get(raw.get("finish_reason", ""), "")


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
