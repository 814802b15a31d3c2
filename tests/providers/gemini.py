"""Gemini as it answers: Google's Gemini API, and the same model on Vertex AI.

Shapes and rules: the API reference of ``models.generateContent`` (``ai.google.dev/api/generate-content``) and of
``Schema`` there; of proofs of thoughts its guide "Thought signatures", and the same of Vertex AI. Wording of errors as
users have published it: functions beside JSON, ``googleapis/python-genai#867`` and ``symfony/ai#803``; levels of
thinking, ``RooCodeInc/Roo-Code#10700``; proofs, ``lbjlaq/Antigravity-Manager#733``, of Vertex AI
``langgenius/dify#30729``; words in schemas, ``zed-industries/zed#44875`` and ``prism-php/prism#974``. Without
``alt=sse``, which the gateway does not ask for, the Gemini API streams one JSON array.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from typing_extensions import override

from tests.providers.emulated import (
    INPUT_TOKENS,
    LOGPROB,
    OUTPUT_TOKENS,
    TOTAL_TOKENS,
    RefusedError,
    Said,
    Wire,
    event,
    halves,
    path_of,
    query_of,
    refuse,
    strangers,
)
from tests.support.recording import Reply, Request, whole

_TOP: Final = {"model", "contents", "systemInstruction", "tools", "tool_config", "toolConfig", "generationConfig",
               "safetySettings", "safety_settings", "cachedContent"}  # fmt: skip
_GENERATION: Final = {"stopSequences", "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities",
                      "candidateCount", "maxOutputTokens", "temperature", "topP", "topK", "seed", "presencePenalty",
                      "frequencyPenalty", "responseLogprobs", "logprobs", "thinking_config", "thinkingConfig",
                      "imageConfig"}  # fmt: skip
_PART: Final = {"text", "inlineData", "fileData", "functionCall", "functionResponse"}
_DECLARATION: Final = {"name", "description", "parameters", "parametersJsonSchema", "response"}
_SCHEMA: Final = {"type", "format", "title", "description", "nullable", "default", "items", "minItems", "maxItems",
                  "enum", "properties", "propertyOrdering", "required", "minProperties", "maxProperties", "minimum",
                  "maximum", "minLength", "maxLength", "pattern", "example", "anyOf"}  # fmt: skip
_OWN_TOOLS: Final = {
    "googleSearch": {"timeRangeFilter"},
    "googleSearchRetrieval": {"dynamicRetrievalConfig"},
    "googleMaps": {"enableWidget"},
    "computerUse": {"environment", "excludedPredefinedFunctions"},
}
_PROOF: Final = "Eq8B"
_FIRST_WITH_PROOF: Final = 3
_ENDINGS: Final = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_MEDIA: Final = re.compile(r"(image/(png|jpeg|webp|heic|heif)|application/pdf|(audio|video|text)/[a-z0-9]+)")


class Gemini(Wire):
    """The Gemini API."""

    stream_type = "application/json"
    top = _TOP
    proofs: ClassVar = {_PROOF, "skip_thought_signature_validator", "context_engineering_is_the_way_to_go"}
    unproved = (
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
        "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
        "call `default_api:{name}` , position {at}. Please refer to "
        "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
    )

    @override
    def check(self, request: Request) -> None:
        self.check_address(request)
        body = request.json
        _known(body, self.top, "")
        _check_contents(body.get("contents") or [])
        if (generation := re.search(r"gemini-(\d+)", request.path)) and int(generation[1]) >= _FIRST_WITH_PROOF:
            self.check_proofs(body["contents"])
        if system := body.get("systemInstruction"):
            _check_parts(system.get("parts") or [], "system_instruction")
        config = body.get("generationConfig") or {}
        _known(config, _GENERATION, "generation_config")
        self.check_thinking(request.path, config)
        if not isinstance(config.get("stopSequences", []), list):
            refuse("Invalid value at 'generation_config.stop_sequences' (TYPE_STRING)")
        if "responseSchema" in config:
            check_schema(config["responseSchema"], "generation_config.response_schema")
        if body.get("tools") and config.get("responseMimeType") == "application/json":
            refuse("Function calling with a response mime type: 'application/json' is unsupported")
        for tool in body.get("tools") or []:
            _known(tool, {"functionDeclarations", "codeExecution", *_OWN_TOOLS}, "tools[0]")
            for name, known in _OWN_TOOLS.items():
                _known(tool.get(name) or {}, known, f"tools[0].{name}")
            for index, declared in enumerate(tool.get("functionDeclarations") or []):
                _check_declaration(declared, f"tools[0].function_declarations[{index}]")

    def check_proofs(self, contents: list[dict[str, Any]]) -> None:
        """Refuse calls of the current turn without a proof: of each answer the first one needs it."""
        turn = max((at for at, content in enumerate(contents) if _is_said_by_user(content)), default=0)
        for at, content in enumerate(contents[turn:], turn):
            called = [part for part in content["parts"] if "functionCall" in part]
            if called and called[0].get("thoughtSignature") not in self.proofs:
                refuse(self.unproved.format(name=called[0]["functionCall"]["name"], at=at + 1))

    def check_thinking(self, path: str, config: Mapping[str, Any]) -> None:
        """Refuse a level of a Gemini before 3, a level beside a budget, and no thinking of a Pro."""
        thinking = {**config.get("thinking_config", {}), **config.get("thinkingConfig", {})}
        if {"thinking_config", "thinkingConfig"} <= config.keys():
            refuse("Invalid value at 'generation_config' (oneof), oneof field '_thinking_config' is already set.")
        if "thinkingLevel" in thinking:
            if re.search(r"gemini-[12]\.", path):
                refuse("Thinking level is not supported for this model.")
            if thinking["thinkingLevel"] not in {"minimal", "low", "medium", "high"}:
                refuse("Invalid value at 'generation_config.thinking_config.thinking_level'")
        if thinking.get("thinking_budget") == 0 and "-pro" in path:
            refuse("Budget 0 is invalid. This model only works in thinking mode.")

    def check_address(self, request: Request) -> None:
        """Check path and key."""
        if not re.fullmatch(r"/v1beta/models/gemini-[\w.-]+:(stream)?[gG]enerateContent", path_of(request)):
            refuse("Requested entity was not found.", 404)
        if query_of(request) != "key=key":
            refuse("API key not valid. Please pass a valid API key.")

    @override
    def is_streamed(self, request: Request) -> bool:
        return ":streamGenerateContent" in request.path

    @override
    def whole(self, said: Said) -> dict[str, Any]:
        told = _told(*_thoughts(said, whole=True), *_texts(said, whole=True), *_calls(said), ending=said.ending)
        if said.is_weighed:
            told["candidates"][0]["logprobsResult"] = _weights(said.text)
        return told

    @override
    def stream(self, said: Said) -> list[bytes]:
        answers = [_told(part) for part in (*_thoughts(said), *_texts(said))]
        if said.is_weighed:
            answers[-1]["candidates"][0]["logprobsResult"] = _weights(said.text)
        if said.calls:
            answers.append(_told(*_calls(said)))
        answers.append(_told({"text": ""}, ending=said.ending))
        return self.framed(answers)

    def framed(self, answers: list[dict[str, Any]]) -> list[bytes]:
        """The answers as one JSON array, a piece for each."""
        told = [json.dumps(answer, indent=2) for answer in answers]
        return [b"[" + told[0].encode(), *(b"\n,\r\n" + each.encode() for each in told[1:]), b"\n]\n"]

    @override
    def broken(self) -> bytes | None:
        return b"\n,\r\n" + json.dumps(_failure(503, "The model is overloaded.")).encode() + b"\n]\n"

    @override
    def error(self, refused: RefusedError, request: Request) -> Reply:
        failure = _failure(refused.status, refused.message)
        return whole(json.dumps([failure] if self.is_streamed(request) else failure).encode(), status=refused.status)


class VertexGemini(Gemini):
    """Gemini on Vertex AI."""

    stream_type = "text/event-stream"
    top = _TOP | {"labels"}
    proofs: ClassVar = {_PROOF, "skip_thought_signature_validator"}
    unproved = (
        "Unable to submit request because function call `default_api:{name}` in the {at}. content block is missing a "
        "`thought_signature`. Learn more: "
        "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures"
    )

    @override
    def check_address(self, request: Request) -> None:
        at = r"/v1/projects/project/locations/europe-west1/publishers/google/models/gemini-[\w.-]+"
        if not re.fullmatch(rf"{at}:(stream)?[gG]enerateContent", path_of(request)):
            refuse("Not Found", 404)
        if request.header("authorization") != "Bearer key":
            refuse("Request had invalid authentication credentials.", 401)

    @override
    def framed(self, answers: list[dict[str, Any]]) -> list[bytes]:
        return [event(answer, end="\r\n") for answer in answers]

    @override
    def broken(self) -> bytes | None:
        return event(_failure(503, "The model is overloaded."), end="\r\n")


def told_at_once(said: Said, *, calls_first: bool) -> dict[str, Any]:
    """Everything in one event of a stream."""
    texts, calls = _texts(said, whole=True), _calls(said)
    return _told(*(calls + texts if calls_first else texts + calls), ending=said.ending)


def _failure(status: int, message: str) -> dict[str, Any]:
    names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED",
             503: "UNAVAILABLE"}  # fmt: skip
    return {"error": {"code": status, "message": message, "status": names.get(status, "INTERNAL")}}


def _told(*parts: dict[str, Any], ending: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [*parts], "role": "model"}, "index": 0}
    if ending:
        candidate["finishReason"] = _ENDINGS[ending]
    usage = {"promptTokenCount": INPUT_TOKENS, "candidatesTokenCount": OUTPUT_TOKENS, "totalTokenCount": TOTAL_TOKENS}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash",
            "responseId": "a1b2"}  # fmt: skip


def _thoughts(said: Said, *, whole: bool = False) -> list[dict[str, Any]]:
    pieces = (said.thinking,) if whole else halves(said.thinking)
    return [{"text": piece, "thought": True} for piece in pieces if piece]


def _texts(said: Said, *, whole: bool = False) -> list[dict[str, Any]]:
    return [{"text": piece} for piece in ((said.text,) if whole else halves(said.text)) if piece]


def _calls(said: Said) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = [{"functionCall": {"name": call.name, "args": call.arguments}} for call in said.calls]
    if calls:
        calls[0]["thoughtSignature"] = _PROOF
    return calls


def _weights(text: str) -> dict[str, Any]:
    chosen = [{"token": text, "logProbability": LOGPROB}]
    return {"topCandidates": [{"candidates": chosen}], "chosenCandidates": chosen}


def _is_said_by_user(content: Mapping[str, Any]) -> bool:
    return content.get("role") == "user" and any("functionResponse" not in part for part in content["parts"])


def _known(given: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in strangers(given, known):
        refuse(f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field.")


def _check_contents(contents: list[dict[str, Any]]) -> None:
    if not contents:
        refuse("* GenerateContentRequest.contents: contents is not specified")
    asked: list[str] = []
    for index, content in enumerate(contents):
        where = f"contents[{index}]"
        _known(content, {"role", "parts"}, where)
        if content.get("role") not in {"user", "model", "function"}:
            refuse("Please use a valid role: user, model.")
        _check_parts(content.get("parts") or [], where)
        answers = [part["functionResponse"]["name"] for part in content["parts"] if "functionResponse" in part]
        if len(answers) != len(asked):
            refuse(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        asked = [part["functionCall"]["name"] for part in content["parts"] if "functionCall" in part]


def _check_parts(parts: list[dict[str, Any]], where: str) -> None:
    if not parts:
        refuse(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.")
    for index, part in enumerate(parts):
        place = f"{where}.parts[{index}]"
        _known(part, _PART | {"thought", "thoughtSignature"}, place)
        if len(_PART & part.keys()) != 1:
            refuse(f"{place}.data: required oneof field 'data' must have one initialized field")
        if media := part.get("inlineData"):
            _known(media, {"mimeType", "data"}, place)
            if not _MEDIA.fullmatch(media.get("mimeType") or ""):
                refuse(f"Unsupported MIME type: {media.get('mimeType')}")
        if answer := part.get("functionResponse"):
            _known(answer, {"id", "name", "response"}, place)


def _check_declaration(declared: Mapping[str, Any], where: str) -> None:
    _known(declared, _DECLARATION, where)
    if "parameters" in declared:
        check_schema(declared["parameters"], f"{where}.parameters")


def check_schema(schema: Any, where: str) -> None:
    """Refuse a schema that holds a word which Gemini does not know."""
    if not isinstance(schema, dict):
        refuse(f"Invalid value at '{where}'")
    _known(schema, _SCHEMA, where)
    if not isinstance(schema.get("type", ""), str):
        refuse(f"Proto field is not repeating, cannot start list. at '{where}.type'")
    if schema.get("type") == "object" and not schema.get("properties"):
        refuse(f"* GenerateContentRequest.{where}.properties: should be non-empty for OBJECT type")
    if schema.get("type") == "array" and "items" not in schema:
        refuse(f"* GenerateContentRequest.{where}.items: missing field.")
    if not all(isinstance(value, str) for value in schema.get("enum", [])):
        refuse(f"Invalid value at '{where}.enum' (TYPE_STRING)")
    if schema.get("type") == "string" and schema.get("format") not in {None, "enum", "date-time"}:
        refuse(f"* GenerateContentRequest.{where}.format: only 'enum' and 'date-time' are supported for STRING type")
    for name, each in (schema.get("properties") or {}).items():
        check_schema(each, f"{where}.properties[{name}]")
    if "items" in schema:
        check_schema(schema["items"], f"{where}.items")
    for index, each in enumerate(schema.get("anyOf") or []):
        check_schema(each, f"{where}.any_of[{index}]")
