"""Claude on Bedrock as it answers: the Converse API, whose streams are binary events.

Shapes and rules: AWS's API reference of ``Converse`` and ``ConverseStream``; the frames: "Event stream encoding" of
Amazon's protocol (``smithy.io``, ``application/vnd.amazon.eventstream``): length, length of headers and their CRC, then
headers and payload, then the CRC of it all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote
from zlib import crc32

from typing_extensions import override

from tests.providers.emulated import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    TOTAL_TOKENS,
    RefusedError,
    Said,
    Wire,
    halves,
    path_of,
    refuse,
    strangers,
)
from tests.support.recording import Reply, Request, whole

_TOP: Final = {"messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "performanceConfig",
               "additionalModelRequestFields", "additionalModelResponseFieldPaths", "promptVariables",
               "requestMetadata"}  # fmt: skip
_INFERENCE: Final = {"maxTokens", "temperature", "topP", "stopSequences"}
_BLOCKS: Final = {"text", "image", "document", "video", "toolUse", "toolResult", "guardContent", "cachePoint",
                  "reasoningContent"}  # fmt: skip
_FORMATS: Final = {"image": {"png", "jpeg", "gif", "webp"},
                   "document": {"pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"},
                   "video": {"mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"}}  # fmt: skip
_ENDINGS: Final = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens",
                   "content_filter": "guardrail_intervened"}  # fmt: skip
_USAGE: Final = {"inputTokens": INPUT_TOKENS, "outputTokens": OUTPUT_TOKENS, "totalTokens": TOTAL_TOKENS}
_AROUND: Final = 16
"""Bytes of a message around its headers and its payload."""
_STRING: Final = 7
"""The type of a header whose value is a text."""


def frame(payload: Mapping[str, Any], **headers: str) -> bytes:
    """One event of a binary stream; ``event_type`` among the headers is ``:event-type`` there."""
    named = {":" + name.replace("_", "-"): value for name, value in headers.items()}
    told = b"".join(
        bytes([len(name)]) + name.encode() + bytes([_STRING]) + len(value).to_bytes(2) + value.encode()
        for name, value in {**named, ":content-type": "application/json"}.items()
    )
    return message(told, json.dumps(payload).encode())


def message(headers: bytes, payload: bytes) -> bytes:
    """A message of a binary stream, with its lengths and checksums."""
    prelude = (len(headers) + len(payload) + _AROUND).to_bytes(4) + len(headers).to_bytes(4)
    prelude += crc32(prelude).to_bytes(4)
    told = prelude + headers + payload
    return told + crc32(told).to_bytes(4)


class Converse(Wire):
    """Claude on Bedrock."""

    models = r"eu\.anthropic\.claude-[\w.:-]+"

    stream_type = "application/vnd.amazon.eventstream"

    @override
    def check(self, request: Request) -> None:
        path = unquote(path_of(request))
        if not re.fullmatch(rf"/model/{self.models}/converse(-stream)?", path):
            refuse("The provided model identifier is invalid.")
        signed = request.header("authorization")
        if not re.match(r"AWS4-HMAC-SHA256 Credential=AKIA/\d{8}/eu-west-1/bedrock/aws4_request, ", signed):
            refuse("The security token included in the request is invalid.", 403)
        body = request.json
        _known(body, _TOP, "")
        config = body.get("inferenceConfig") or {}
        _known(config, _INFERENCE, "inferenceConfig")
        if not isinstance(config.get("stopSequences", []), list):
            refuse("Expected list at inferenceConfig.stopSequences")
        for index, block in enumerate(body.get("system") or []):
            _known(block, {"text", "cachePoint", "guardContent"}, f"system.{index}")
            _check_text(block, f"system.{index}")
        _check_tools(body)
        _check_messages(body["messages"])

    @override
    def is_streamed(self, request: Request) -> bool:
        return path_of(request).endswith("/converse-stream")

    @override
    def whole(self, said: Said) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        if said.thinking:
            content.append({"reasoningContent": {"reasoningText": {"text": said.thinking, "signature": "c2ln"}}})
        if said.text:
            content.append({"text": said.text})
        content += [
            {"toolUse": {"toolUseId": f"tooluse_{index}", "name": call.name, "input": dict(call.arguments)}}
            for index, call in enumerate(said.calls)
        ]
        return {
            "metrics": {"latencyMs": 551},
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": _ENDINGS[said.ending],
            "usage": _USAGE,
        }

    @override
    def stream(self, said: Said) -> list[bytes]:
        events = [_event("messageStart", role="assistant")]
        place = 0
        if said.thinking:
            thoughts = [{"reasoningContent": {"text": piece}} for piece in halves(said.thinking)]
            events += _block(place, [*thoughts, {"reasoningContent": {"signature": "c2ln"}}])
            place += 1
        if said.text:
            events += _block(place, [{"text": piece} for piece in halves(said.text)])
            place += 1
        for index, call in enumerate(said.calls):
            start = {"toolUse": {"toolUseId": f"tooluse_{index}", "name": call.name}}
            pieces = ("", *halves(json.dumps(call.arguments)))
            events += _block(place, [{"toolUse": {"input": piece}} for piece in pieces], start)
            place += 1
        events.append(_event("messageStop", stopReason=_ENDINGS[said.ending]))
        events.append(_event("metadata", usage=_USAGE, metrics={"latencyMs": 551}))
        return events

    @override
    def broken(self) -> bytes | None:
        failed = {"message": "The system encountered an unexpected error during processing. Try your request again."}
        return frame(failed, exception_type="internalServerException", message_type="exception")

    @override
    def error(self, refused: RefusedError, request: Request) -> Reply:
        names = {400: "ValidationException", 403: "UnrecognizedClientException", 429: "ThrottlingException",
                 503: "ServiceUnavailableException"}  # fmt: skip
        name = names.get(refused.status, "InternalServerException")
        return whole({"message": refused.message}, status=refused.status, headers={"x-amzn-errortype": name})


def _event(name: str, **payload: Any) -> bytes:
    return frame(payload, event_type=name, message_type="event")


def _block(place: int, deltas: list[dict[str, Any]], start: dict[str, Any] | None = None) -> list[bytes]:
    begun = [_event("contentBlockStart", contentBlockIndex=place, start=start)] if start else []
    told = [_event("contentBlockDelta", contentBlockIndex=place, delta=delta) for delta in deltas]
    return [*begun, *told, _event("contentBlockStop", contentBlockIndex=place)]


def _known(given: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in strangers(given, known):
        refuse(f"Malformed input request: #/{where}: extraneous key [{name}] is not permitted")


def _check_text(block: Mapping[str, Any], where: str) -> None:
    if "text" in block and not block["text"].strip():
        refuse(f"The text field in the ContentBlock object at {where} is blank. Add text to the text field.")


def _check_tools(body: Mapping[str, Any]) -> None:
    config = body.get("toolConfig")
    blocks = [block for message in body["messages"] for block in message["content"]]
    if not config and any("toolUse" in block or "toolResult" in block for block in blocks):
        refuse("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    if not config:
        return
    _known(config, {"tools", "toolChoice"}, "toolConfig")
    if not config["tools"]:
        refuse("toolConfig.tools must have at least 1 item")
    for index, tool in enumerate(config["tools"]):
        where = f"toolConfig.tools.{index}"
        _known(tool, {"toolSpec", "cachePoint"}, where)
        if "toolSpec" in tool:
            spec = tool["toolSpec"]
            _known(spec, {"name", "description", "inputSchema"}, f"{where}.toolSpec")
            if spec.get("description") == "":
                refuse(f"Invalid length for parameter {where}.toolSpec.description, value: 0, valid min length: 1")
            if ((spec.get("inputSchema") or {}).get("json") or {}).get("type") != "object":
                refuse(f"The value at {where}.toolSpec.inputSchema.json.type must be one of the following: object.")
    choice = config.get("toolChoice")
    if choice is not None and len({"auto", "any", "tool"} & choice.keys()) != 1:
        refuse("toolConfig.toolChoice must have exactly one member")


def _check_messages(messages: list[dict[str, Any]]) -> None:
    if not messages or messages[0]["role"] != "user":
        refuse("A conversation must start with a user message. Try again with a conversation that starts with one.")
    asked: list[str] = []
    for index, message in enumerate(messages):
        if index and message["role"] == messages[index - 1]["role"]:
            refuse("A conversation must alternate between user and assistant roles.")
        content = message["content"]
        if not content:
            refuse(f"The content field in the Message object at messages.{index} is empty. Add a ContentBlock object.")
        for place, block in enumerate(content):
            _check_block(block, f"messages.{index}.content.{place}")
        if any("document" in block for block in content) and not any("text" in block for block in content):
            refuse("Your API request includes a document, which requires a text block in the same message.")
        answered = [block["toolResult"]["toolUseId"] for block in content if "toolResult" in block]
        if sorted(answered) != sorted(asked):
            refuse(f"Expected toolResult blocks at messages.{index}.content for the following Ids: {', '.join(asked)}")
        asked = [block["toolUse"]["toolUseId"] for block in content if "toolUse" in block]


def _check_block(block: Mapping[str, Any], where: str) -> None:
    _known(block, _BLOCKS, where)
    if len(block) != 1:
        refuse(f"{where} must have exactly one member")
    _check_text(block, where)
    for kind, formats in _FORMATS.items():
        if kind in block and block[kind]["format"] not in formats:
            refuse(f"Value at '{where}.{kind}.format' failed to satisfy constraint: {sorted(formats)}")
    if "toolUse" in block:
        _known(block["toolUse"], {"toolUseId", "name", "input"}, where)
    if "toolResult" in block:
        _known(block["toolResult"], {"toolUseId", "content", "status"}, where)
