"""LlamaIndex tools → the gateway's, and the tool calls of an answer → what LlamaIndex runs."""

from __future__ import annotations

from typing import Any, cast

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool
from pydantic_core import from_json

from portkey_gateway.wire import Tool


def encode_tool(tool: BaseTool) -> Tool:
    """Encode a tool; Claude takes longer descriptions than the 1024 characters that LlamaIndex allows OpenAI."""
    return cast("Tool", tool.metadata.to_openai_tool(skip_length_check=True))


def select_tools(response: ChatResponse) -> list[ToolSelection]:
    """List the tool calls of a response, whole or so far streamed."""
    return [
        ToolSelection(
            tool_id=block.tool_call_id or "",
            tool_name=block.tool_name,
            tool_kwargs=parse_arguments(block.tool_kwargs),
        )
        for block in response.message.blocks
        if isinstance(block, ToolCallBlock)
    ]


def parse_arguments(arguments: dict[str, Any] | str) -> dict[str, Any]:
    """Read a tool call's arguments, as far as a stream, or an answer cut off by ``max_tokens``, has told them."""
    if isinstance(arguments, dict):
        return arguments
    try:
        parsed = from_json(arguments, allow_partial="trailing-strings")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
