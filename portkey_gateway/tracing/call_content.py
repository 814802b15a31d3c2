"""What is said in a call, asked and answered → the form of OpenTelemetry's conventions for GenAI. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from portkey_gateway.conversation.answer import Answer, AnswerToolCall
from portkey_gateway.tracing import semconv

_ROLES: Final = {"developer": "system"}
_MODEL: Final = "assistant"


def content_of_request(request: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a request for an answer, by the names of attributes; messages are still in their own form."""
    if "prompt" in request:
        return {semconv.INPUT_VALUE: request.get("variables") or {}}
    messages = request.get("messages") or []
    content = {semconv.INPUT_MESSAGES: messages, semconv.INPUT_VALUE: _last_said(messages)}
    if tools := request.get("tools"):
        content[semconv.TOOL_DEFINITIONS] = [_definition(tool) for tool in tools]
    return content


def content_of_answer(answer: Answer) -> dict[str, Any]:
    """The content of an answer, by the names of attributes."""
    calls = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
    return {
        semconv.OUTPUT_MESSAGES: [_answered(each) for each in (answer, *answer.others)],
        semconv.OUTPUT_VALUE: answer.text or answer.refusal or calls,
    }


def plain_message(message: Any) -> dict[str, Any]:
    """A message of a conversation in the conventions' form; one that is in it already stays."""
    if "parts" in message:
        return dict(message)
    role = _ROLES.get(message["role"], message["role"])
    content = message.get("content_blocks") or message.get("content")
    if role == "tool":
        said = content if isinstance(content, str) or content is None else list(_parts(content))
        return {"role": role, "parts": [_response(message.get("tool_call_id"), said)]}
    parts = [*_parts(content)]
    for call in message.get("tool_calls") or ():
        function = call["function"]
        parts.append(_call(call.get("id"), function["name"], function["arguments"]))
    return {"role": role, "parts": parts}


def _answered(answer: Answer) -> dict[str, Any]:
    parts = [
        _call(each.id, each.name, each.args if each.args is not None else each.arguments)
        if isinstance(each, AnswerToolCall)
        else _part({"type": each.type, "text": each.text, "thinking": each.text, **(each.raw or {})})
        for each in answer.said
    ]
    if answer.refusal:
        parts.append(_text(answer.refusal))
    # The schema of output messages wants a reason, and knows none for an answer that broke off.
    return {"role": _MODEL, "parts": parts, "finish_reason": answer.finish_reason or "error"}


def _parts(content: Any) -> Iterator[dict[str, Any]]:
    for block in [content] if isinstance(content, str) else content or ():
        if isinstance(block, str):
            if block:
                yield _text(block)
        else:
            yield _part(block)


def _part(block: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(block.get("type"))
    if kind == "text":
        return _text(str(block.get("text") or ""))
    if kind in {"thinking", "redacted_thinking"}:
        return {"type": "reasoning", "content": str(block.get("thinking") or "")}
    if kind == "tool_use":
        return _call(block.get("id"), str(block.get("name")), block.get("input"))
    if kind == "tool_result":
        return _response(block.get("tool_use_id"), block.get("content"))
    # The data of images and files is long, and of no use in a trace.
    return {"type": kind.removesuffix("_url")}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "content": text}


def _call(call_id: Any, name: str, arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


def _response(call_id: Any, said: Any) -> dict[str, Any]:
    return {"type": "tool_call_response", "id": call_id, "response": said}


def _last_said(messages: list[Any]) -> str:
    """The text of the last message: what a list of calls shows of each."""
    parts = plain_message(messages[-1])["parts"] if messages else []
    said = [part.get("content") or part.get("response") for part in parts]
    return "\n".join(text for text in said if isinstance(text, str))


def _definition(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool that is offered; one of the provider's own has its name and type only."""
    function = tool.get("function") or {}
    named = {"type": tool.get("type") or "function", "name": function.get("name") or tool.get("name") or "tool"}
    more = {"description": function.get("description"), "parameters": function.get("parameters")}
    return {**named, **{name: value for name, value in more.items() if value}}
