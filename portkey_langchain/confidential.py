"""What a model tells of itself to dumps, tracers and caches: everything but its keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.load.serializable import Serializable
from pydantic import field_validator
from pydantic_core import to_json
from typing_extensions import override

from portkey_gateway.caching.plan import PromptCaching
from portkey_gateway.caller import GatewayCaller
from portkey_gateway.model import GatewayModel
from portkey_gateway.names import called_elsewhere
from portkey_gateway.options import MASK, GatewayFields
from portkey_langchain.response_format import with_response_format

# What the environment can say again when a serialised model is loaded; LangChain never writes these out.
_SECRETS: Final = {
    "api_key": "PORTKEY_API_KEY",
    "provider_api_key": "PORTKEY_PROVIDER_API_KEY",
    "virtual_key": "PORTKEY_VIRTUAL_KEY",
    "default_headers": "PORTKEY_DEFAULT_HEADERS",
    "gateway_headers": "PORTKEY_GATEWAY_HEADERS",
    "mcp_servers": "PORTKEY_MCP_SERVERS",
}
# Of servers the keys must not show, and of classes the names do not tell them apart.
_HASHED: Final = ("mcp_servers", "response_format")
# They label a call; the answer is the same whoever asks.
_NOT_A_ROUTE: Final = frozenset({"x-portkey-trace-id", "x-portkey-span-name", "x-portkey-metadata"})


class Storable(GatewayCaller, Serializable):
    """What LangChain can write out, without its keys, and load again."""

    @field_validator("default_headers", "gateway_headers", mode="before")
    @classmethod
    def _without_secrets(cls, headers: Any) -> Any:
        """What is loaded without its secrets has ``None`` in their place."""
        return {} if headers is None else headers

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        return True

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        # An inline config may hold providers' keys, and a query a key; the id of a saved config says nothing.
        config = {"config": "PORTKEY_CONFIG"} if isinstance(self.config, dict) else {}
        host = {"custom_host": "PORTKEY_CUSTOM_HOST"} if "?" in (self.custom_host or "") else {}
        return {**_SECRETS, **config, **host}


class ConfidentialModel(GatewayModel, Storable, BaseChatModel):
    """A chat model with the gateway's options that keeps its keys to itself."""

    @property
    @override
    def lc_attributes(self) -> dict[str, Any]:
        # LangChain writes out mappings, and of other objects only that they were there.
        said = self.prompt_caching
        return {"prompt_caching": said.model_dump()} if isinstance(said, PromptCaching) else {}

    @override
    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        if type(self).dict is BaseChatModel.dict:
            # LangChain looks for overrides of this older method through a warning that it suppresses: 20 µs a call.
            params = {**self.asdict(), "stop": stop, **kwargs}
        else:
            params = super()._get_invocation_params(stop=stop, **kwargs)
        return {name: MASK if _is_secret(name) else each for name, each in params.items()}

    @override
    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        """The key under which a cache keeps answers: what routes elsewhere is another model."""
        model, given = self.for_call(kwargs)
        parameters = {name: value for name, value in given.items() if name not in _HASHED}
        asked = {name: given.get(name, getattr(model, name)) for name in _HASHED}
        if asked["response_format"] is not None:
            asked = with_response_format(asked)
        # What the formats carry differs, and so may what was answered.
        asked["api_format"] = model.route(given.get("model")).api_format
        return f"{super()._get_llm_string(stop=stop, **parameters)}---{route_digest(model, asked)}"


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    """Whether an option of this name, ours or another class's, holds a key."""
    return name in _SECRETS or called_elsewhere(name) in _SECRETS


def route_digest(caller: GatewayFields, asked: Mapping[str, Any]) -> str:
    """A digest of where a call goes and of what it asks, for a cache's key: the keys in it do not show.

    A key that a function is asked for counts by the function's name: what it will say is not known here.
    """
    route = {name: value for name, value in caller.render_headers().items() if name not in _NOT_A_ROUTE}
    route |= {option: key.name for option, key in caller.asked_keys().items()}
    return hashlib.sha256(to_json([caller.base_url, route, asked], fallback=repr)).hexdigest()
