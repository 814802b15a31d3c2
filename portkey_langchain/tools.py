"""LangChain tools → the gateway's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from portkey_gateway.caching.breakpoints import encode_cache_control
from portkey_gateway.conversation.request import Tool
from portkey_gateway.conversation.tools import is_server_tool
from portkey_langchain.whole_schema import convert_tool

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

# Anthropic's own, which LangChain's conversion leaves out.
_OPTIONS: Final = ("strict", "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming")


def encode_tool(tool: Mapping[str, Any] | type | Callable[..., Any] | BaseTool, *, strict: bool | None = None) -> Tool:
    """Encode a tool in any form LangChain knows, in OpenAI's or Anthropic's dict form, or an Anthropic server tool.

    Args:
        tool: a ``BaseTool``, a function, a pydantic class, a TypedDict, a JSON schema with a title, or a tool dict.
            A cache breakpoint is ``cache_control`` of a dict, or of ``tool.extras``.
        strict: asks OpenAI to hold the model to the schema.

    Raises:
        EncodingError: if the tool's ``cache_control`` is not in Anthropic's form.
        ValueError: if LangChain cannot tell what the tool is.
    """
    if isinstance(tool, Mapping) and is_server_tool(tool):
        if mark := tool.get("cache_control"):
            encode_cache_control(mark, where=f"tool {tool.get('name', tool['type'])}")
        return cast("Tool", dict(tool))
    encoded = cast("Tool", convert_tool(tool, strict=strict))
    extras = dict(_extras(tool))
    if encoded.get("function", {}).get("strict") is not None:
        extras.pop("strict", None)  # LangChain has put it where OpenAI wants it
    if kept := {name: extras[name] for name in _OPTIONS if extras.get(name) is not None}:
        encoded = cast("Tool", {**encoded, **kept})
    if mark := extras.get("cache_control"):
        encoded = encoded.copy()
        encoded["cache_control"] = encode_cache_control(mark, where=f"tool {_name(encoded)}")
    return encoded


def _extras(tool: Any) -> Mapping[str, Any]:
    """What is said of a tool beside what LangChain reads: in its dict, or in ``extras``."""
    if isinstance(tool, Mapping):
        return tool
    from langchain_core.tools import BaseTool  # noqa: PLC0415 as in ``portkey_langchain.whole_schema``

    return (tool.extras or {}) if isinstance(tool, BaseTool) else {}


def _name(tool: Tool) -> str:
    function = tool.get("function")
    return repr(function["name"]) if function else repr(tool["type"])
