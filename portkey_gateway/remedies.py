"""What to do about an error that the gateway or a provider tells: said behind its own words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from portkey_gateway.info import GatewayInfo

ROUTE_NOT_FOUND: Final = {"message": "Not Found", "ok": False}
"""What the open-source gateway says of a path it does not serve (``src/index.ts``)."""
WAITED_IN_VAIN: Final = "HeadersTimeoutError"
"""Of Node's HTTP client, with which the open-source gateway waits for the first byte of an answer: 300 s (tried)."""
NO_LIBRARY: Final = "prompt completions error"
"""What the open-source gateway, which has no prompts, says of every one (``src/index.ts``)."""
NOT_SERVED: Final = " is not supported by "
"""Of a format or another route, with the provider's name."""

_NO_ROUTE: Final = "x-portkey-config or x-portkey-provider header is required"
_VIRTUAL_KEY: Final = "x-portkey-virtual-key"
_AUTHORIZATION: Final = "authorization"
_REMEDIES: Final = {
    WAITED_IN_VAIN: (
        "; the open-source gateway waits five minutes for an answer to begin: ask for it as a stream "
        "(streaming=True, stream_chat), or for less (max_tokens)"
    ),
    NO_LIBRARY: "; this gateway has no prompt library: base_url has to be Portkey's, or an enterprise gateway's",
    f"messages{NOT_SERVED}": "; pass api_format='chat_completions'",
    _NO_ROUTE: (
        "; pass provider= or config=: the open-source gateway has no model catalog, so no name (@slug/…) and no prompt "
        "tells it where to go"
    ),
    "You need to pass a valid json": (
        "; the open-source gateway has no saved configs: give the config itself in place of its id"
    ),
    "Invalid provider passed": "; provider= is one of Portkey's slugs, such as 'anthropic' or 'vertex-ai'",
    "embed is not supported by": "; say provider= of one that embeds, such as 'openai', and its provider_api_key=",
    "getaddrinfo": "; the gateway finds no such host: mind custom_host=, or its way out to the internet",
}
"""What the open-source gateway says of a request that it sends nowhere, and what to do about it."""
_NO_VIRTUAL_KEYS: Final = (
    "; the open-source gateway knows no virtual keys, and drops this one: pass provider= and provider_api_key= for it"
)
# Google's words, of a 400: "API key not valid. Please pass a valid API key."
_KEY_REFUSED: Final = re.compile(r"api key not valid|api_key_invalid", re.IGNORECASE)
# Anthropic: "model: gpt-5"; OpenAI, Groq: "The model `x` does not exist or you do not have access to it."; Google:
# "models/x is not found for API version v1beta"; Ollama: "model 'x' not found"; Mistral: "Invalid model: x"; DeepSeek:
# "Model Not Exist"; Bedrock: "The provided model identifier is invalid."; Azure: "The API deployment for this resource
# does not exist".
_NO_MODEL: Final = re.compile(
    r"(^|error: )model: \S|\bmodels?\b.*(not found|not exist|identifier is invalid)|(invalid|unknown) model\b"
    r"|model_not_found|api deployment .*does not exist",
    re.IGNORECASE,
)
_ASKED_FOR_A_MODEL: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


def remedy(info: GatewayInfo, body: Any, message: str, sent: Mapping[str, str]) -> str:
    """What to do about an error, to be said behind it; nothing where nobody knows.

    Args:
        info: the response's status and headers.
        body: decoded.
        message: found in it.
        sent: the headers of the request.
    """
    status = info.status
    if status == HTTPStatus.NOT_FOUND and (isinstance(body, str) or body == ROUTE_NOT_FOUND):
        return "; base_url usually ends in /v1"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "; no redirect is followed, which would carry keys and prompt to another host: is base_url right?"
    if _NO_ROUTE in message and _VIRTUAL_KEY in sent:
        return _NO_VIRTUAL_KEYS
    known = next((what for said, what in _REMEDIES.items() if said in message), "")
    return known or _of_the_provider(info, body, message, sent)


def _of_the_provider(info: GatewayInfo, body: Any, message: str, sent: Mapping[str, str]) -> str:
    """What to do about a key or a model that a provider refuses; Portkey's own keys have another error."""
    if info.status == HTTPStatus.UNAUTHORIZED and _is_portkeys(body):
        return "; api_key= is Portkey's own key (PORTKEY_API_KEY), and not a provider's"
    if info.provider is None:
        return ""
    target = "" if info.target_index in {None, "config"} else info.target_index
    if info.status == HTTPStatus.UNAUTHORIZED or _KEY_REFUSED.search(message):
        if _AUTHORIZATION not in sent and _VIRTUAL_KEY in sent:
            return _NO_VIRTUAL_KEYS
        own = f"the api_key of {target}" if target else "provider_api_key="
        return f"; mind {own}: {info.provider} has to know it"
    if info.status in _ASKED_FOR_A_MODEL and _NO_MODEL.search(message):
        own = f"model=, or the model in override_params of {target}" if target else "model= (and provider=)"
        return f"; mind {own}: it has to be a name that {info.provider} itself has, and serves to your key"
    return ""


def _is_portkeys(body: Any) -> bool:
    """Whether Portkey's own services say it (its help centre, "Error AB03")."""
    return isinstance(body, dict) and body.get("success") is False and isinstance(body.get("data"), dict)
