"""What the embedding classes of all frameworks have in common: their parameters, and how a call is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self, cast

from pydantic import Field

from portkey_gateway.caller import GatewayCaller
from portkey_gateway.embedding_client import EMBEDDINGS_AT_ONCE
from portkey_gateway.embeddings.request import EmbeddingRequest, EncodingFormat
from portkey_gateway.errors import EncodingError

_PARAMETERS: Final = ("dimensions", "encoding_format", "input_type")
_NO_PARAMETERS: Final = {
    "input": "the texts: give these as the method's argument",
    "model": "the model: say model= to the constructor, to with_options or to the call itself",
}


class GatewayEmbedder(GatewayCaller):
    """The fields of an embedding model behind the gateway, beside the gateway's own options."""

    model: str = Field(min_length=1)
    """The model's name, such as ``text-embedding-3-small``, or ``@slug/name`` from Portkey's model catalog."""
    dimensions: int | None = Field(default=None, gt=0)
    """How long the vectors shall be, where the model can shorten them and the gateway carries the wish."""
    encoding_format: EncodingFormat | None = None
    """How vectors travel; by default as base64 where the provider knows it, which is faster. They are the same."""
    input_type: str | None = None
    """What the texts are, in the words of Cohere, Voyage, Nomic or Vertex AI; told by the method if not said."""
    max_concurrency: int = Field(default=EMBEDDINGS_AT_ONCE, gt=0)
    """How many requests of one call are under way at the same time."""

    def for_call(self, arguments: Mapping[str, Any]) -> tuple[Self, dict[str, Any]]:
        """Sort the keyword arguments of one call into options of the model and parameters of the request.

        Args:
            arguments: what the caller passed beside the texts.

        Returns:
            The model to call, with the options that hold for this call, and the remaining parameters.
        """
        options = {name: arguments[name] for name in arguments.keys() & type(self).model_fields.keys()}
        parameters = {name: value for name, value in arguments.items() if name not in options}
        return (self.with_options(**options) if options else self), parameters

    def embedding_request(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> EmbeddingRequest:
        """Build a request from texts, the model's own parameters, and further ones, which win.

        Raises:
            EncodingError: if the further ones name other texts or another model.
        """
        for name, instead in _NO_PARAMETERS.items():
            if name in parameters:
                raise EncodingError(f"{name}= among the parameters would replace {instead}")
        own = {name: value for name in _PARAMETERS if (value := getattr(self, name)) is not None}
        return cast("EmbeddingRequest", {"model": self.model, "input": texts, **own, **parameters})
