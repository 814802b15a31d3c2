"""The rules of tool definitions and of the choice among them.

Sources: Anthropic's documentation, "How to implement tool use", "Tool search tool", "Programmatic tool calling", "MCP
connector"; the API's answers its users have published; `models` for what depends on the model.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from portkey_gateway.sandbox.claude.betas import MCP_TOOLSETS, Betas
from portkey_gateway.sandbox.claude.blocks import Located, Wire, message_blocks
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.models import takes_forced_choice
from portkey_gateway.sandbox.json_schema import schema_fault

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_PROPERTY: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}")

_INVALID_SCHEMA = (
    "JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12). "
    "Learn more about tool use at https://docs.claude.com/en/docs/tool-use."
)
_CODE_EXECUTION: Final = "code_execution_"


def validate_tools(body: Wire, betas: Betas) -> None:
    """Check the tools, `tool_choice`, and the MCP servers whose tools they are.

    Raises:
        ClaudeError: A name or a schema is not taken, two tools share a name, a tool cannot be reached, the chosen tool
            is not there, or the model takes no choice.
    """
    tools: list[Wire] = list(body.get("tools", []))
    defined = [*((f"tools.{index}", tool) for index, tool in enumerate(tools)), *_defined_amid(body["messages"])]
    for path, tool in defined:
        if "input_schema" in tool:
            _check_custom(tool, f"{path}.custom")
        _check_domains(tool, path)
    # A toolset has no name of its own.
    names = [tool["name"] for tool in tools if "name" in tool]
    if len(names) != len(set(names)):
        raise invalid("tools: Tool names must be unique.")
    _check_loading(tools)
    _check_callers(tools)
    if all("name" in tool for _, tool in defined):  # the names inside a toolset are not known here
        _check_references(body["messages"], [tool["name"] for _, tool in defined])
    _check_choice(body, tools, names)
    if betas.any_of(MCP_TOOLSETS):
        _check_toolsets(body.get("mcp_servers", ()), tools)


def _defined_amid(messages: list[Wire]) -> Iterator[tuple[str, Wire]]:
    """Yield the tools that system messages define amid the conversation."""
    for located in message_blocks(messages):
        if located.type == "tool_addition" and located.block["tool"]["type"] == "tool_definition":
            yield f"{located.tagged_path}.tool.tool_definition.definition", located.block["tool"]["definition"]


def _check_custom(tool: Wire, path: str) -> None:
    if not TOOL_NAME.fullmatch(tool["name"]):
        raise invalid(f"{path}.name: String should match pattern '^{TOOL_NAME.pattern}$'")
    schema, path = tool["input_schema"], f"{path}.input_schema"
    if "type" not in schema:
        raise invalid(f"{path}.type: Field required")
    if schema["type"] != "object":
        raise invalid(f"{path}.type: Input should be 'object'")
    if not schema.keys().isdisjoint({"oneOf", "allOf", "anyOf"}):
        raise invalid(f"{path}: input_schema does not support oneOf, allOf, or anyOf at the top level")
    properties = schema.get("properties")
    if isinstance(properties, dict) and not all(map(_PROPERTY.fullmatch, properties)):
        raise invalid(f"{path}.properties: Property keys should match pattern '^{_PROPERTY.pattern}$'")
    fault = schema_fault(schema)
    if fault:
        raise invalid(f"{path}: {_INVALID_SCHEMA} ({fault})")


def _check_domains(tool: Wire, path: str) -> None:
    if tool.get("allowed_domains") and tool.get("blocked_domains"):
        raise invalid(f"{path}.{tool['type']}: Only one of allowed_domains and blocked_domains may be specified")


def _check_loading(tools: list[Wire]) -> None:
    for tool in tools:
        if tool.get("defer_loading") and tool.get("cache_control"):
            raise invalid(
                f"Tool '{tool['name']}' cannot have both defer_loading=true and cache_control set. "
                "Tools with defer_loading cannot use prompt caching."
            )
    if tools and all(tool.get("defer_loading") for tool in tools):
        raise invalid("All tools have defer_loading set. At least one tool must be non-deferred.")


def _check_callers(tools: list[Wire]) -> None:
    """Check the tools that code may call: the code runs in a tool that must be there, and their input is not bound."""
    runners = {tool["type"] for tool in tools if str(tool.get("type")).startswith(_CODE_EXECUTION)}
    for index, tool in enumerate(tools):
        callers = [caller for caller in tool.get("allowed_callers", ()) if caller.startswith(_CODE_EXECUTION)]
        if callers and not runners and "input_schema" in tool:
            raise invalid(f"tools.{index}.custom.allowed_callers: '{callers[0]}' is not among the provided tools")
        if callers and tool.get("strict"):
            raise invalid(f"tools.{index}.custom: strict tools cannot be called programmatically")


def _check_references(messages: list[Wire], names: list[str]) -> None:
    for located in message_blocks(messages):
        for reference in _references(located):
            if reference["tool_name"] not in names:
                raise invalid(f"Tool reference '{reference['tool_name']}' has no corresponding tool definition")


def _references(located: Located) -> list[Wire]:
    if located.type == "tool_reference":
        return [located.block]
    if located.type == "tool_search_tool_result":
        return list(located.block["content"].get("tool_references", ()))
    return []


def _check_choice(body: Wire, tools: list[Wire], names: list[str]) -> None:
    choice: dict[str, Any] | None = body.get("tool_choice")
    if choice is None:
        return
    if not tools:
        raise invalid("tool_choice: tool_choice may only be specified while providing tools.")
    if choice["type"] in ("any", "tool") and not takes_forced_choice(body["model"]):
        raise invalid('tool_choice: type "tool" and "any" are not supported for this model.')
    if choice["type"] == "tool" and choice["name"] not in names:
        raise invalid(f"tool_choice.tool.name: Tool '{choice['name']}' not found in provided tools")
    programmatic = [tool["name"] for tool in tools if tool.get("allowed_callers") and "direct" not in _callers(tool)]
    if choice["type"] == "tool" and choice["name"] in programmatic:
        raise invalid(f"tool_choice.tool.name: Tool '{choice['name']}' can only be called programmatically")
    if choice.get("disable_parallel_tool_use") and programmatic:
        raise invalid("tool_choice.disable_parallel_tool_use: not supported with programmatic tool calling")


def _callers(tool: Wire) -> list[str]:
    return list(tool["allowed_callers"])


def _check_toolsets(servers: list[Wire], tools: list[Wire]) -> None:
    """Check that every MCP server has exactly one toolset, and every toolset a server."""
    names = [server["name"] for server in servers]
    if len(names) != len(set(names)):
        raise invalid("mcp_servers: MCP server names must be unique")
    used = [tool["mcp_server_name"] for tool in tools if tool.get("type") == "mcp_toolset"]
    for name in used:
        if name not in names:
            raise invalid(f"tools: MCP server '{name}' referenced by a toolset is not defined in mcp_servers")
        if used.count(name) > 1:
            raise invalid(f"tools: MCP server '{name}' is referenced by more than one toolset")
    for name in names:
        if name not in used:
            raise invalid(f"mcp_servers: MCP server '{name}' is not referenced by any mcp_toolset in tools")
