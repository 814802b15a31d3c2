"""The rules of tool definitions and of the choice among them.

Source: OpenAI's API reference, "Create chat completion", and its guide "Function calling".
"""

import re
from typing import Any, Final

from portkey_gateway.sandbox.json_schema import schema_fault
from portkey_gateway.sandbox.openai.errors import OpenAIError, invalid
from portkey_gateway.sandbox.openai.parts import Wire
from portkey_gateway.sandbox.openai.strict_schema import strict_fault
from portkey_gateway.sandbox.openai.validate_parameters import check_array_length, check_length

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+")
_LONGEST_NAME: Final = 64
_LONGEST_DESCRIPTION: Final = 1024
_MOST_TOOLS: Final = 128


def validate_tools(request: Wire) -> None:
    """Check the tools, `tool_choice` and `parallel_tool_calls`.

    Raises:
        OpenAIError: A name or a schema is not taken, or the chosen tool is not there.
    """
    for key in ("tools", "functions"):
        if key in request:
            check_array_length(key, request[key], _MOST_TOOLS)
    for index, tool in enumerate(request.get("tools") or ()):
        _check_tool(tool, f"tools[{index}]")
    for index, function in enumerate(request.get("functions") or ()):
        _check_function(function, f"functions[{index}]")
    if "tools" not in request:
        for key in ("tool_choice", "parallel_tool_calls"):
            if key in request:
                raise _choice_error(key, f"'{key}' is only allowed when 'tools' are specified.")
    _check_choice(request)


def check_function_name(name: str, path: str) -> None:
    """Check the name of a function.

    Raises:
        OpenAIError: It is too long, or has characters that are not taken.
    """
    check_length(path, name, _LONGEST_NAME)
    if not _NAME.fullmatch(name):
        raise invalid(
            f"Invalid '{path}': string does not match pattern. Expected a string that matches the pattern "
            f"'^{_NAME.pattern}$'.",
            path,
            "invalid_value",
        )


def schema_complaint(schema: Wire, *, strict: bool) -> str | None:
    """Return what is wrong with the schema of an object in OpenAI's words, or None."""
    if schema.get("type") != "object":
        kind = schema.get("type")
        return f"""schema must be a JSON Schema of 'type: "object"', got 'type: "{kind}"'."""
    return strict_fault(schema) if strict else schema_fault(schema) or _bare_array(schema, ())


def _check_tool(tool: Wire, path: str) -> None:
    if tool["type"] == "function":
        _check_function(tool["function"], f"{path}.function")
    else:
        check_function_name(tool["custom"]["name"], f"{path}.custom.name")


def _check_function(function: Wire, path: str) -> None:
    check_function_name(function["name"], f"{path}.name")
    check_length(f"{path}.description", function.get("description") or "", _LONGEST_DESCRIPTION)
    if "parameters" not in function:
        return
    complaint = schema_complaint(function["parameters"], strict=bool(function.get("strict")))
    if not complaint and "properties" not in function["parameters"]:
        complaint = "In context=(), object schema missing properties."
    if complaint:
        raise invalid(
            f"Invalid schema for function '{function['name']}': {complaint}",
            f"{path}.parameters",
            "invalid_function_parameters",
        )


def _bare_array(schema: Any, context: tuple[str, ...]) -> str | None:
    """Find an array that does not say what it holds; OpenAI asks for that even where it is not strict."""
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "array" and "items" not in schema and "prefixItems" not in schema:
        return f"In context={context}, array schema missing items."
    inner: list[tuple[tuple[str, ...], Any]] = [
        (("properties", name), part) for name, part in (schema.get("properties") or {}).items()
    ]
    if "items" in schema:
        inner.append((("items",), schema["items"]))
    return next((found for step, part in inner if (found := _bare_array(part, (*context, *step)))), None)


def _check_choice(request: Wire) -> None:
    choice = request.get("tool_choice")
    if not isinstance(choice, dict):
        return
    names = {tool[tool["type"]]["name"] for tool in request["tools"]}
    if choice["type"] == "allowed_tools":
        wanted = [(tool.get(str(tool.get("type"))) or {}).get("name") for tool in choice["allowed_tools"]["tools"]]
    else:
        wanted = [choice[choice["type"]]["name"]]
    for name in wanted:
        if name not in names:
            raise _choice_error("tool_choice", f"no function named '{name}' was specified in the 'tools' parameter.")


def _choice_error(key: str, reason: str) -> OpenAIError:
    return invalid(f"Invalid value for '{key}': {reason}", key)
