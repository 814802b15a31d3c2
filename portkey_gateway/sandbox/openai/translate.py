"""Says a request in the words that the brain understands: those of Anthropic's Messages API.

One brain answers for both providers. What it cannot be told (sound) is heard by `sound`.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from portkey_gateway.sandbox.openai.parts import Wire, decode_data_url, is_data_url, parts_of, text_of

# The brain itself never cuts: OpenAI's limits are applied to what it says.
_UNLIMITED: Final = 10**9
_TEXT_INPUT: Final = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
_CHOICES: Final = {"auto": "auto", "none": "none", "required": "any"}


def translate(request: Wire) -> dict[str, Any]:
    """Return the request as the brain reads it."""
    messages: list[Wire] = request["messages"]
    instructions = [text_of(message) for message in messages if message["role"] in {"system", "developer"}]
    spoken = [message for message in messages if message["role"] not in {"system", "developer"}]
    body: dict[str, Any] = {
        "model": request["model"],
        "max_tokens": _UNLIMITED,
        "system": "\n".join(instructions),
        "messages": list(map(_message, spoken)) or [{"role": "user", "content": ""}],
    }
    tools = list(_tools(request))
    if tools:
        body |= {"tools": tools, "tool_choice": _choice(request)}
    return body


def _message(message: Wire) -> dict[str, Any]:
    match message["role"]:
        case "assistant":
            return {"role": "assistant", "content": [*_blocks(message), *_calls(message)]}
        case "tool" | "function" as role:
            call_id = message["tool_call_id"] if role == "tool" else message["name"]
            result = {"type": "tool_result", "tool_use_id": call_id, "content": text_of(message)}
            return {"role": "user", "content": [result]}
        case _:
            return {"role": "user", "content": list(_blocks(message))}


def _blocks(message: Wire) -> Iterator[dict[str, Any]]:
    for part in parts_of(message):
        match part["type"]:
            case "text":
                yield {"type": "text", "text": part["text"]}
            case "refusal":
                yield {"type": "text", "text": part["refusal"]}
            case "image_url":
                yield {"type": "image", "source": _source(part["image_url"]["url"])}
            case "file":
                yield _document(part["file"])


def _source(url: str) -> dict[str, Any]:
    if not is_data_url(url):
        return {"type": "url", "url": url}
    content = decode_data_url(url)
    data = base64.b64encode(content.data).decode()
    return {"type": "base64", "media_type": content.media_type, "data": data}


def _document(file: Wire) -> dict[str, Any]:
    if "file_id" in file:
        return {"type": "document", "source": {"type": "file", "file_id": file["file_id"]}}
    return {"type": "document", "source": _source(file["file_data"]), "title": file["filename"]}


def _calls(message: Wire) -> Iterator[dict[str, Any]]:
    for call in message.get("tool_calls") or ():
        named = call[call["type"]]
        yield {"type": "tool_use", "id": call["id"], "name": named["name"], "input": _read(named.get("arguments"))}
    if called := message.get("function_call"):
        yield {"type": "tool_use", "id": called["name"], "name": called["name"], "input": _read(called["arguments"])}


def _read(arguments: str | None) -> Any:
    """Read arguments, which a model may have written badly; the brain only asks which tool was called."""
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return {}


def _tools(request: Wire) -> Iterator[dict[str, Any]]:
    allowed = _allowed(request)
    for tool in request.get("tools") or ():
        named = tool[tool["type"]]
        schema = _TEXT_INPUT if tool["type"] == "custom" else named.get("parameters")
        if allowed is None or named["name"] in allowed:
            yield _tool(named, schema)
    for function in request.get("functions") or ():
        yield _tool(function, function.get("parameters"))


def _tool(named: Wire, schema: Wire | None) -> dict[str, Any]:
    schema = schema or {"type": "object", "properties": {}}
    return {"name": named["name"], "description": named.get("description") or "", "input_schema": schema}


def _allowed(request: Wire) -> Iterable[str] | None:
    choice = request.get("tool_choice")
    if not isinstance(choice, dict) or choice["type"] != "allowed_tools":
        return None
    return [tool[tool["type"]]["name"] for tool in choice["allowed_tools"]["tools"]]


def _choice(request: Wire) -> dict[str, Any]:
    given = request.get("tool_choice") or request.get("function_call") or "auto"
    choice: dict[str, Any]
    if isinstance(given, str):
        choice = {"type": _CHOICES[given]}
    elif given.get("type") == "allowed_tools":
        choice = {"type": _CHOICES[given["allowed_tools"]["mode"]]}
    else:
        named: Mapping[str, Any] = given[given["type"]] if "type" in given else given
        choice = {"type": "tool", "name": named["name"]}
    # Only one function could be called at a time when they were not yet tools.
    if request.get("parallel_tool_calls") is False or "functions" in request:
        choice["disable_parallel_tool_use"] = True
    return choice
