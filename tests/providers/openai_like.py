"""Providers whose API is like OpenAI's: what each takes of it, and what each adds.

Shapes and rules: OpenAI's own, as the sandbox has them; Azure OpenAI's REST reference; DeepSeek's API
reference, "Create Chat Completion", and its guide "JSON Output"; Mistral's API reference, "Chat Completion"; Groq's and
Ollama's pages on what they take of OpenAI's API, and Groq's on structured outputs. Wording of errors as users have
published it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from typing_extensions import override

from portkey_gateway.sandbox.openai import sse
from portkey_gateway.sandbox.openai.errors import OpenAIError
from portkey_gateway.sandbox.openai.validate import validate
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

_USAGE: Final = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": TOTAL_TOKENS}
_DONE: Final = b"data: [DONE]\n\n"


class OpenAILike(Wire):
    """What they have in common."""

    path: ClassVar[str]
    model: ClassVar[str]
    reasoning: ClassVar[str | None] = None
    """The field in which thoughts are told."""
    has_usage_apart: ClassVar[bool] = False
    """Whether usage comes in a chunk of its own, and only if it is asked for."""

    @override
    def check(self, request: Request) -> None:
        if path_of(request) != self.path:
            refuse("Not Found", 404)
        self.check_key(request)
        self.check_body(request.json)

    def check_key(self, request: Request) -> None:
        """Check the key."""
        if request.header("authorization") != "Bearer key":
            refuse("Unauthorized", 401)

    def check_body(self, body: Mapping[str, Any]) -> None:
        """Check what is asked."""
        raise NotImplementedError

    def ending(self, said: Said) -> str:
        """How the answer ended."""
        return said.ending

    def call_id(self, index: int) -> str:
        """The id of a call."""
        return f"call_{index}"

    @override
    def whole(self, said: Said) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
        if said.thinking and self.reasoning:
            message[self.reasoning] = said.thinking
        if said.calls:
            message["tool_calls"] = [
                {"id": self.call_id(index), "type": "function",
                 "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
                for index, call in enumerate(said.calls)
            ]  # fmt: skip
        weights = _logprobs(said.text) if said.is_weighed else None
        choice = {"index": 0, "message": message, "logprobs": weights, "finish_reason": self.ending(said)}
        return {"id": "a1", "object": "chat.completion", "created": 1, "model": self.model, "choices": [choice],
                "usage": _USAGE}  # fmt: skip

    @override
    def stream(self, said: Said) -> list[bytes]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        if self.reasoning:
            deltas += [{self.reasoning: piece} for piece in halves(said.thinking)]
        texts = [self.chunk({"content": piece}) for piece in halves(said.text)]
        for chunk in texts if said.is_weighed else ():
            chunk["choices"][0]["logprobs"] = _logprobs(chunk["choices"][0]["delta"]["content"])
        calls = [self.chunk({"tool_calls": [call]}) for call in self.streamed_calls(said)]
        last = self.chunk({}, self.ending(said))
        if not self.has_usage_apart:
            last["usage"] = _USAGE
        events = [event(each) for each in (*map(self.chunk, deltas), *texts, *calls, last)]
        if self.has_usage_apart:
            events.append(event({**self.chunk({}), "choices": [], "usage": _USAGE}))
        return [*events, _DONE]

    def streamed_calls(self, said: Said) -> list[dict[str, Any]]:
        """The calls in pieces."""
        told: list[dict[str, Any]] = []
        for index, call in enumerate(said.calls):
            begun = {"name": call.name, "arguments": ""}
            told.append({"index": index, "id": self.call_id(index), "type": "function", "function": begun})
            pieces = halves(json.dumps(call.arguments))
            told += [{"index": index, "function": {"arguments": piece}} for piece in pieces]
        return told

    def chunk(self, delta: Mapping[str, Any], ending: str | None = None) -> dict[str, Any]:
        """One chunk of a stream."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": ending}
        return {"id": "a1", "object": "chat.completion.chunk", "created": 1, "model": self.model, "choices": [choice]}

    @override
    def broken(self) -> bytes | None:
        return event({"error": {"message": "The server had an error.", "type": "server_error"}})

    @override
    def error(self, refused: RefusedError, request: Request) -> Reply:
        failure = {"message": refused.message, "type": "invalid_request_error", "param": None, "code": None}
        return whole({"error": failure}, status=refused.status)


class OpenAI(OpenAILike):
    """OpenAI, by the rules of the emulated one, whose streams these are, too."""

    path = "/v1/chat/completions"
    model = "gpt-4.1-2025-04-14"

    @override
    def check_body(self, body: Mapping[str, Any]) -> None:
        try:
            validate(dict(body))
        except OpenAIError as error:
            refuse(str(error), error.status)

    @override
    def whole(self, said: Said) -> dict[str, Any]:
        told = super().whole(said)
        told["choices"][0]["message"]["refusal"] = None
        return {**told, "service_tier": "default", "system_fingerprint": "fp_1"}

    @override
    def stream(self, said: Said) -> list[bytes]:
        return [*map(sse.encode, sse.chunks(self.whole(said), {"include_usage": True})), sse.DONE]

    @override
    def error(self, refused: RefusedError, request: Request) -> Reply:
        failure: Any = OpenAIError(refused.status, refused.message).body()
        return whole(failure, status=refused.status)


class Azure(OpenAI):
    """Azure OpenAI: OpenAI's own rules at an address of its own."""

    path = "/openai/deployments/main/chat/completions"

    @override
    def check_key(self, request: Request) -> None:
        if request.header("api-key") != "key":
            refuse("Access denied due to invalid subscription key or wrong API endpoint.", 401)
        if query_of(request) != "api-version=2024-10-21":
            refuse("Resource not found", 404)

    @override
    def stream(self, said: Said) -> list[bytes]:
        # Azure tells first what its filter says of the prompt, in a chunk without choices.
        judged = {"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}
        return [event({**self.chunk({}), "choices": [], "prompt_filter_results": [judged]}), *super().stream(said)]


class DeepSeek(OpenAILike):
    """DeepSeek."""

    path = "/v1/chat/completions"
    model = "deepseek-reasoner"
    reasoning = "reasoning_content"
    is_busy = False
    """Whether requests wait; it keeps their connections alive then (its page "Rate Limit")."""

    @override
    def waiting(self, request: Request) -> bytes:
        if not self.is_busy:
            return b""
        return b": keep-alive\n\n" if self.is_streamed(request) else b"\n\n"

    @override
    def check_body(self, body: Mapping[str, Any]) -> None:
        # It ignores what it does not know; but of its own parameters each has its type.
        for index, message in enumerate(body["messages"]):
            if not isinstance(message.get("content") or "", str):
                refuse(
                    "Failed to deserialize the JSON body into the target type: "
                    f"messages[{index}]: invalid type: sequence, expected a string"
                )
        kind = (body.get("response_format") or {}).get("type")
        if kind not in {None, "text", "json_object"}:
            refuse("This response_format type is unavailable now")
        if kind == "json_object" and "json" not in json.dumps(body["messages"]).lower():
            refuse("Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.")


class Ollama(OpenAILike):
    """Ollama, which ignores what it does not know."""

    path = "/v1/chat/completions"
    model = "llama3.2"
    reasoning = "reasoning"
    has_usage_apart = True

    @override
    def check_key(self, request: Request) -> None:
        """It has none."""

    @override
    def check_body(self, body: Mapping[str, Any]) -> None:
        for message in body["messages"]:
            content = message.get("content")
            for part in content if isinstance(content, list) else []:
                if part["type"] not in {"text", "image_url"}:
                    refuse("invalid message format")
                if part["type"] == "image_url" and not part["image_url"]["url"].startswith("data:image/"):
                    refuse("invalid image input")


class Groq(OpenAILike):
    """Groq: what it takes of OpenAI's API stands on its page "OpenAI compatibility".

    That it binds no answer beside tools stands in its own words in ``vercel/ai#16540``.
    """

    path = "/openai/v1/chat/completions"
    model = "llama-3.3-70b-versatile"
    reasoning = "reasoning"
    known: ClassVar = {"messages", "model", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
                       "max_completion_tokens", "max_tokens", "metadata", "n", "parallel_tool_calls",
                       "presence_penalty", "reasoning_effort", "response_format", "seed", "service_tier", "stop",
                       "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_p",
                       "user"}  # fmt: skip

    @override
    def check_body(self, body: Mapping[str, Any]) -> None:
        for name in strangers(body, self.known):
            refuse(f"property '{name}' is unsupported")
        for name in {"logit_bias", "logprobs", "top_logprobs"} & body.keys():
            refuse(f"property '{name}' is unsupported")
        if (body.get("n") or 1) > 1:
            refuse("'n' : number must be at most 1")
        if body.get("tools") and body.get("response_format"):
            refuse("json mode cannot be combined with tool/function calling")
        for index, message in enumerate(body["messages"]):
            self.check_message(index, message)

    def check_message(self, index: int, message: Mapping[str, Any]) -> None:
        """Refuse names, and what is no text where a text has to be."""
        is_text = isinstance(message.get("content") or "", str)
        if "name" in message and message["role"] != "tool":
            refuse(f"'messages.{index}' : property 'name' is unsupported")
        if message["role"] != "user" and not is_text:
            refuse(f"'messages.{index}' : for 'role:{message['role']}' the following must be satisfied"
                   f"[('messages.{index}.content' : value must be a string)]")  # fmt: skip
        for part in [] if is_text else message["content"]:
            if part["type"] not in {"text", "image_url"}:
                refuse(f"'messages.{index}.content' : value must be a string or a list of text and image_url")


class Mistral(OpenAILike):
    """Mistral, which refuses what it does not know."""

    path = "/v1/chat/completions"
    model = "mistral-large-latest"
    top: ClassVar = {"model", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "messages",
                     "response_format", "tools", "tool_choice", "presence_penalty", "frequency_penalty", "n",
                     "prediction", "parallel_tool_calls", "prompt_mode", "safe_prompt", "metadata"}  # fmt: skip
    messages: ClassVar[dict[str, set[str]]] = {
        "system": {"role", "content"},
        "user": {"role", "content"},
        "assistant": {"role", "content", "tool_calls", "prefix"},
        "tool": {"role", "content", "tool_call_id", "name"},
    }
    parts: ClassVar = {"text", "image_url", "document_url", "reference", "file", "input_audio", "thinking"}
    # What may stand behind what, as `mistral_common.protocol.instruct.validator` has it.
    follows: ClassVar[dict[str, set[str | None]]] = {
        "system": {None, "system", "user"},
        "user": {None, "system", "user", "assistant"},
        "assistant": {None, "system", "user", "assistant", "tool"},
        "tool": {"assistant", "tool"},
    }

    @override
    def call_id(self, index: int) -> str:
        return f"D681PevK{index}"

    @override
    def check_body(self, body: Mapping[str, Any]) -> None:
        _no_strangers(body, self.top, "body")
        if body.get("tool_choice") not in (None, "auto", "none", "any", "required"):
            _no_strangers(body["tool_choice"], {"type", "function"}, "body.tool_choice")
        before = None
        for index, message in enumerate(body["messages"]):
            role = message["role"]
            _no_strangers(message, self.messages[role], f"body.messages.{index}.{role}")
            if before not in self.follows[role]:
                refuse(f"Unexpected role '{role}' after role '{before}'")
            before = role
            for part in message["content"] if isinstance(message.get("content"), list) else []:
                if part["type"] not in self.parts:
                    refuse(f"Input tag '{part['type']}' found using 'type' does not match any of the expected tags")
            ids = [call["id"] for call in message.get("tool_calls") or []]
            for given in (*ids, *([message["tool_call_id"]] if role == "tool" else [])):
                if not re.fullmatch(r"[a-zA-Z0-9]{9}", given):
                    refuse(f"Tool call id was {given} but must be a-z, A-Z, 0-9, with a length of 9.")
        if before not in {"user", "tool"}:
            refuse(f"Expected last role User or Tool (or Assistant with prefix True) for serving but got {before}")

    @override
    def whole(self, said: Said) -> dict[str, Any]:
        told = super().whole(said)
        if said.thinking:
            text = [{"type": "text", "text": said.text}] if said.text else []
            told["choices"][0]["message"]["content"] = [_thought(said.thinking), *text]
        return told

    @override
    def stream(self, said: Said) -> list[bytes]:
        first, *rest = super().stream(said)
        thoughts = [event(self.chunk({"content": [_thought(piece)]})) for piece in halves(said.thinking)]
        return [first, *thoughts, *rest]

    @override
    def streamed_calls(self, said: Said) -> list[dict[str, Any]]:
        # It tells each call at once.
        return [
            {"index": index, "id": self.call_id(index),
             "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
            for index, call in enumerate(said.calls)
        ]  # fmt: skip

    @override
    def error(self, refused: RefusedError, request: Request) -> Reply:
        failure = {"object": "error", "message": refused.message, "type": "invalid_request_message_order",
                   "param": None, "code": "3230"}  # fmt: skip
        return whole(failure, status=refused.status)


def _logprobs(text: str) -> dict[str, Any]:
    return {"content": [{"token": text, "logprob": LOGPROB, "bytes": [*text.encode()], "top_logprobs": []}]}


def _thought(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _no_strangers(given: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in strangers(given, known):
        refuse(f"Extra inputs are not permitted: {where}.{name}", 422)
