"""Schemas of classes that explain themselves, such as a tree's, for OpenAI and whoever else takes references.

LangChain's conversion (langchain-core 1.7.2) puts what a schema refers to in the reference's place, and where that
leads back to itself it puts nothing: any value would do there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from portkey_gateway.conversation.schema import explains_itself, with_object_at_top


def convert_tool(tool: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Convert a tool or a schema to OpenAI's form as LangChain does, with the references that nothing else says.

    Args:
        tool: in any form that LangChain knows, or a JSON schema whose top refers to a definition.
        strict: asks OpenAI to hold the model to the schema.

    Raises:
        ValueError: if LangChain cannot tell what it is.
    """
    if isinstance(tool, Mapping) and "$ref" in tool:
        tool = with_object_at_top(tool)
    converted = convert_to_openai_tool(tool, strict=strict)
    if isinstance(tool, Mapping) or not _holds_anything(converted.get("function", {}).get("parameters")):
        return converted
    schema = _own_schema(tool)
    if schema is None or not explains_itself(schema):
        return converted
    named = {"title": converted["function"]["name"], "description": converted["function"].get("description", "")}
    return convert_to_openai_tool({**with_object_at_top(schema), **named}, strict=strict)


def _holds_anything(schema: Any) -> bool:
    """Tell whether a schema has a part that says nothing."""
    if not isinstance(schema, Mapping):
        return False
    parts = [*(schema.get("properties") or {}).values(), *(schema.get("anyOf") or ())]
    if "items" in schema:
        parts.append(schema["items"])
    if isinstance(more := schema.get("additionalProperties"), Mapping):
        parts.append(more)
    return any(
        not (part.keys() - {"description", "default"}) or _holds_anything(part) for part in map(_as_schema, parts)
    )


def _as_schema(part: Any) -> Mapping[str, Any]:
    return part if isinstance(part, Mapping) else {"type": part}


def _own_schema(tool: Any) -> dict[str, Any] | None:
    """The schema as pydantic writes it, if it is made from a class or a function."""
    # LangChain reads its tools, too, only where there is one.
    from langchain_core.tools import BaseTool  # noqa: PLC0415
    from langchain_core.tools.base import create_schema_from_function  # noqa: PLC0415

    made: Any = tool.tool_call_schema if isinstance(tool, BaseTool) else tool
    if not isinstance(made, type) and callable(made):
        made = create_schema_from_function(made.__name__, cast("Any", made), filter_args=())
    return made.model_json_schema() if isinstance(made, type) and issubclass(made, BaseModel) else None
