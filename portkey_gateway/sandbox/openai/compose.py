"""Decides what the emulated OpenAI says: what the brain that it shares with Claude says, in OpenAI's forms.

The same request always gets the same answer. Tool calls come first, then JSON where `response_format` asks for it, then
words. Reasoning models spend tokens before their first word, as many as their effort. A stop sequence and the limit of
tokens then cut the answer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from portkey_gateway.sandbox.claude import brain
from portkey_gateway.sandbox.claude.brain import json_mode, structured
from portkey_gateway.sandbox.claude.brain.conversation import read_conversation
from portkey_gateway.sandbox.claude.tokens import CHARACTERS_PER_TOKEN, count_text
from portkey_gateway.sandbox.openai import models
from portkey_gateway.sandbox.openai.bind import bind
from portkey_gateway.sandbox.openai.parts import Wire
from portkey_gateway.sandbox.openai.reply import Reply, ToolCall
from portkey_gateway.sandbox.openai.sound import describe_sounds
from portkey_gateway.sandbox.openai.translate import translate

_REFUSAL: Final = "I'm sorry, but I can't help with that."
# OpenAI counts reasoning in steps of 64.
_REASONING_TOKENS: Final = {"none": 0, "minimal": 0, "low": 64, "medium": 64, "high": 192, "xhigh": 384, "max": 768}


def compose(request: Wire) -> Reply:
    """Return the answer to a valid request."""
    body = translate(request)
    said = brain.think(body)
    reasoning = _reasoning_tokens(request)
    calls = [block for block in said.content if block["type"] == "tool_use"]
    if said.stop_reason == "refusal":
        reply = Reply(refusal=_REFUSAL, reasoning_tokens=reasoning)
    elif calls:
        reply = Reply(None, tuple(_call(call, request) for call in calls), None, "tool_calls", reasoning)
    else:
        words = "".join(block["text"] for block in said.content if block["type"] == "text")
        reply = Reply(_json(request, body) or describe_sounds(request) + words, reasoning_tokens=reasoning)
    return _limit(_stop(reply, request), request)


def count_reply(reply: Reply) -> int:
    """Count the tokens of an answer, those of its reasoning too."""
    called = sum(count_text(call.name) + count_text(call.arguments) for call in reply.tool_calls)
    return reply.reasoning_tokens + count_text(reply.content or "") + count_text(reply.refusal or "") + called


def _json(request: Wire, body: Mapping[str, Any]) -> str | None:
    form: Wire = request.get("response_format") or {"type": "text"}
    match form["type"]:
        case "json_schema":
            schema = form["json_schema"]["schema"]
            written = structured.write(schema, read_conversation(body))
            return json.dumps(bind(json.loads(written), schema), ensure_ascii=False)
        case "json_object":
            return json_mode.write(read_conversation(body))
        case _:
            return None


def _call(use: Wire, request: Wire) -> ToolCall:
    call_id, name = use["id"].replace("toolu_", "call_"), use["name"]
    tools = {tool[tool["type"]]["name"]: tool for tool in request.get("tools") or ()}
    tool = tools.get(name, {"type": "function"})
    if tool["type"] == "custom":
        return ToolCall(call_id, name, use["input"]["input"], custom=True)
    function = tool.get("function") or {}
    arguments = bind(use["input"], function.get("parameters") or {}) if function.get("strict") else use["input"]
    return ToolCall(call_id, name, json.dumps(arguments, ensure_ascii=False))


def _reasoning_tokens(request: Wire) -> int:
    model = request["model"]
    if not models.reasons(model):
        return 0
    return _REASONING_TOKENS[request.get("reasoning_effort") or models.default_effort(model)]


def _stop(reply: Reply, request: Wire) -> Reply:
    """Cut before the first stop sequence, which OpenAI neither tells nor returns."""
    given = request.get("stop") or ()
    sequences: Sequence[str] = [given] if isinstance(given, str) else given
    content = reply.content or ""
    ends = [content.index(sequence) for sequence in sequences if sequence and sequence in content]
    return replace(reply, content=content[: min(ends)]) if ends else reply


def _limit(reply: Reply, request: Wire) -> Reply:
    """Keep what fits; words and the arguments of the last call are cut anywhere, what comes after is left out."""
    most = request.get("max_completion_tokens") or request.get("max_tokens")
    if not most or count_reply(reply) <= most:
        return reply
    cut = replace(reply, finish_reason="length", reasoning_tokens=min(reply.reasoning_tokens, most))
    left = most - cut.reasoning_tokens
    calls: list[ToolCall] = []
    for call in reply.tool_calls:
        left -= count_text(call.name)
        if left <= 0:
            break
        calls.append(replace(call, arguments=call.arguments[: left * CHARACTERS_PER_TOKEN]))
        left -= count_text(calls[-1].arguments)
    words = None if reply.content is None else reply.content[: left * CHARACTERS_PER_TOKEN]
    refusal = None if reply.refusal is None else reply.refusal[: left * CHARACTERS_PER_TOKEN]
    return replace(cut, content=words, refusal=refusal, tool_calls=tuple(calls))
