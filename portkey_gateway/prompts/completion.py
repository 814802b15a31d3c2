"""A request that the library fills in and has answered by the prompt's own model, in one call: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Required, TypedDict

from pydantic_core import PydanticSerializationError, to_json

from portkey_gateway.chat_completions import stream as chat_completions
from portkey_gateway.conversation.fold import Decoding
from portkey_gateway.errors import EncodingError
from portkey_gateway.prompts.reference import PromptReference


class PromptRequest(TypedDict, total=False):
    """What is asked for; ``GatewayClient.chat`` and ``stream`` take it in the place of messages."""

    prompt: Required[PromptReference]
    variables: Required[dict[str, Any]]
    overrides: dict[str, Any]
    """Parameters in the place of the prompt's own."""
    stream: bool


class EncodedPrompt(NamedTuple):
    """What is sent, and how to read what comes back."""

    path: str
    body: bytes
    decoding: Decoding


def completion_request(
    reference: PromptReference, variables: dict[str, Any], overrides: Mapping[str, Any]
) -> PromptRequest:
    """Build a request of values that were checked."""
    return {"prompt": reference, "variables": variables, "overrides": dict(overrides)}


def encode_completion(request: PromptRequest) -> EncodedPrompt:
    """Encode a request; what comes back is decoded as any chat completion is.

    Raises:
        EncodingError: if JSON does not know an override.
    """
    try:
        # Saved prompts may say that they stream; how it is asked here decides.
        overrides = {**(request.get("overrides") or {})}
        options = {"include_usage": True, **(overrides.pop("stream_options", None) or {})}
        streaming = {"stream": True, "stream_options": options} if request.get("stream") else {}
        body = to_json({**overrides, "stream": False, **streaming, "variables": request["variables"]})
    except (PydanticSerializationError, ValueError) as error:
        raise EncodingError(f"an override of the prompt is nothing that JSON knows: {error}") from error
    return EncodedPrompt(f"{request['prompt'].path}/completions", body, chat_completions.DECODING)
