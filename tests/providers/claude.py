"""Claude as Anthropic and Vertex AI serve it: Anthropic's own rules and shapes, as the emulated Claude has them.

What is Vertex AI's own: the model in the path, the version in the body (Anthropic, "Claude on Vertex AI").
"""

from __future__ import annotations

import re
from typing import Any, Final

from typing_extensions import override

from portkey_gateway.sandbox.claude.betas import read_betas
from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.signatures import sign
from portkey_gateway.sandbox.claude.sse import encode, events
from portkey_gateway.sandbox.claude.validate import validate
from tests.providers.emulated import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    RefusedError,
    Said,
    Wire,
    path_of,
    refuse,
)
from tests.support.recording import Reply, Request, whole

_ENDINGS: Final = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}
_USAGE: Final = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}


class Claude(Wire):
    """Claude at Anthropic's own address."""

    @override
    def check(self, request: Request) -> None:
        if path_of(request) != "/v1/messages":
            refuse("Not Found", 404)
        if request.header("x-api-key") != "key":
            refuse("invalid x-api-key", 401)
        if request.header("anthropic-version") != "2023-06-01":
            refuse("anthropic-version: header is required")
        self.check_body(request.json, betas=read_betas(request.headers.get("anthropic-beta", [])).names)

    def check_body(self, body: Any, betas: frozenset[str] = frozenset()) -> None:
        """Check what is asked."""
        try:
            validate(body, betas=betas)
        except ClaudeError as error:
            refuse(str(error), error.status)

    @override
    def whole(self, said: Said) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        if said.thinking:
            content.append({"type": "thinking", "thinking": said.thinking, "signature": sign(said.thinking)})
        if said.text:
            content.append({"type": "text", "text": said.text})
        content += [
            {"type": "tool_use", "id": f"toolu_{index}", "name": call.name, "input": dict(call.arguments)}
            for index, call in enumerate(said.calls)
        ]
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
                "content": content, "stop_reason": _ENDINGS[said.ending], "stop_sequence": None,
                "usage": _USAGE}  # fmt: skip

    @override
    def stream(self, said: Said) -> list[bytes]:
        message: Any = self.whole(said)
        return [*map(encode, events(message))]

    @override
    def broken(self) -> bytes | None:
        return encode({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})

    @override
    def error(self, refused: RefusedError, request: Request) -> Reply:
        failure = {"type": "invalid_request_error", "message": refused.message}
        return whole({"type": "error", "error": failure}, status=refused.status)


class VertexClaude(Claude):
    """Claude on Vertex AI."""

    @override
    def check(self, request: Request) -> None:
        at = r"/v1/projects/project/locations/europe-west1/publishers/anthropic/models/(claude-[\w-]+)@\d+"
        named = re.fullmatch(rf"{at}:(?:rawPredict|streamRawPredict)", path_of(request))
        if not named:
            refuse("Not Found", 404)
        if request.header("authorization") != "Bearer key":
            refuse("Request had invalid authentication credentials.", 401)
        body = request.json
        if body.pop("anthropic_version", None) != "vertex-2023-10-16":
            refuse("anthropic_version: Field required")
        if "model" in body:
            refuse("model: Extra inputs are not permitted")
        self.check_body({**body, "model": named[1]})
