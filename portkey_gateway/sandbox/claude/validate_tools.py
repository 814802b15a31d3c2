"""The rules of tool definitions and of the choice among them.

Source: Anthropic's documentation, "How to implement tool use"; the API's answers its users have published.
"""

import re

from portkey_gateway.sandbox.claude.blocks import Wire
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.json_schema import schema_fault

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")

_INVALID_SCHEMA = (
    "JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12). "
    "Learn more about tool use at https://docs.claude.com/en/docs/tool-use."
)


def validate_tools(body: Wire) -> None:
    """Check the tools and `tool_choice`.

    Raises:
        ClaudeError: A name or a schema is not taken, two tools share a name, or the chosen tool is not there.
    """
    tools: list[Wire] = body.get("tools", [])
    for index, tool in enumerate(tools):
        if "input_schema" in tool:
            _check_custom(tool, f"tools.{index}.custom")
    # A toolset has no name of its own.
    names = [tool["name"] for tool in tools if "name" in tool]
    if len(names) != len(set(names)):
        raise invalid("tools: Tool names must be unique.")
    _check_choice(body.get("tool_choice"), names, has_tools=bool(tools))


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
    fault = schema_fault(schema)
    if fault:
        raise invalid(f"{path}: {_INVALID_SCHEMA} ({fault})")


def _check_choice(choice: Wire | None, names: list[str], *, has_tools: bool) -> None:
    if choice is None:
        return
    if not has_tools:
        raise invalid("tool_choice: tool_choice may only be specified while providing tools.")
    if choice["type"] == "tool" and choice["name"] not in names:
        raise invalid(f"tool_choice.tool.name: Tool '{choice['name']}' not found in provided tools")
