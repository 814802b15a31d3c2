"""What is stored of our classes: all of their options but what may hold a secret."""

from __future__ import annotations

from typing import Any, Final

from llama_index.core.schema import BaseComponent
from pydantic import Secret, SerializationInfo, SerializerFunctionWrapHandler, model_serializer

from portkey_gateway.caller import GatewayCaller
from portkey_gateway.options import MASK

# These may hold keys and never leave in a dump; to_dict is for storing and showing a model.
_SECRET_FIELDS: Final = (
    "api_key", "provider_api_key", "virtual_key", "default_headers", "gateway_headers", "mcp_servers",
)  # fmt: skip


def without_secrets(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out what may hold a secret: keys, the virtual key, headers, an inline config, a host with a query."""
    kept = {name: value for name, value in data.items() if name not in _SECRET_FIELDS}
    bare = {name: value for name, value in kept.items() if not (isinstance(value, Secret) or value == MASK)}
    return bare if bare.get("config") else {name: value for name, value in bare.items() if name != "config"}


class Storable(GatewayCaller, BaseComponent):
    """Whatever calls the gateway, as ``to_dict``, ``to_json`` and ``pickle`` store it."""

    @model_serializer(mode="wrap")
    def custom_model_dump(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        """Dump without what may hold a secret: keys, the virtual key, headers, and a config other than by its id."""
        return without_secrets(super().custom_model_dump(handler, info))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore also which options were set: LlamaIndex calls the constructor, which counts all of them."""
        super().__setstate__(state)
        self.__pydantic_fields_set__ = set(state["__pydantic_fields_set__"])
