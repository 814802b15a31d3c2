"""A request for vectors → its body for whoever may answer, and the size of its batches. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json

from portkey_gateway.conversation.unsendable import unsendable
from portkey_gateway.embeddings.batches import Batch, Batches
from portkey_gateway.embeddings.providers import MOST_TEXTS, UNKNOWN_TEXTS, EmbeddingProvider, find_provider
from portkey_gateway.embeddings.request import EmbeddingRequest, Kind, check_texts
from portkey_gateway.embeddings.whole import Part
from portkey_gateway.errors import EncodingError, warn
from portkey_gateway.names import meant_option
from portkey_gateway.options import GatewayFields
from portkey_gateway.routing import Route

PATH: Final = "/embeddings"
_PARAMETERS: Final = frozenset(
    {"model", "input", "dimensions", "encoding_format", "input_type", "user", "embedding_types", "truncate",
     "truncation", "task_type", "task", "title", "normalize", "output_dimension", "output_dtype", "auto_truncate",
     "parameters"}
)  # fmt: skip
"""What the open-source gateway's transforms (1.15.2, ``src/providers/*/embed.ts``) or the providers' own APIs know."""


@dataclass(frozen=True, slots=True)
class EmbeddingPlan:
    """How texts are to be embedded."""

    batches: Batches
    parameters: Mapping[str, Any]
    """The body without the texts."""

    @property
    def dimensions(self) -> int | None:
        """How long the vectors have to be, if that was asked for."""
        return self.parameters.get("dimensions")

    def encode(self, batch: Batch) -> bytes:
        """Write the body of one request.

        Raises:
            EncodingError: if it holds something that JSON does not know.
        """
        # A text alone is no list: Ollama takes none, and Titan's dimensions travel only so.
        texts = batch.texts[0] if len(batch.texts) == 1 else batch.texts
        try:
            return to_json({**self.parameters, "input": texts})
        except ValueError as error:
            raise unsendable({**self.parameters, "input": texts}, error) from error


def plan_embedding(
    request: EmbeddingRequest, route: Route, kind: Kind, batch_size: int | None, part: Part | None = None
) -> EmbeddingPlan:
    """Plan how to embed texts, so that everyone who may answer can.

    Args:
        request: texts and parameters.
        route: where the calls go.
        kind: whether they are what is searched or what is searched for.
        batch_size: the most texts of a request, if fewer than the provider takes.
        part: where the texts stand, if they are part of a whole that several calls embed.

    Raises:
        EncodingError: if a text cannot be embedded, or a parameter would not arrive.
    """
    texts = check_texts(request["input"])
    if batch_size is not None and batch_size < 1:
        raise EncodingError(f"a batch holds at least one text; got {batch_size}")
    known = [provider for target in route.targets if (provider := find_provider(*target))]
    _check_models(route)
    most_tokens = min([provider.tokens for provider in known if provider.tokens is not None], default=None)
    _warn_of_unknown(request)
    parameters = {name: value for name, value in request.items() if name not in {"input", "input_type"}}
    if len(known) == len(route.targets) and known:
        parameters |= _encoding_format(parameters.pop("encoding_format", None), known)
    if parameters.get("dimensions") is None:
        parameters.pop("dimensions", None)
    else:
        _check_dimensions(known, route)
    parameters |= _input_type(request.get("input_type"), kind, known)
    most = min(batch_size or MOST_TEXTS, most_texts(route))
    return EmbeddingPlan(Batches(texts, most, most_tokens, part), parameters)


def most_texts(route: Route) -> int:
    """How many texts a request may hold, so that everyone who may answer takes it."""
    found = [find_provider(*target) for target in route.targets]
    return min([MOST_TEXTS, *(provider.texts if provider else UNKNOWN_TEXTS for provider in found)])


def _warn_of_unknown(request: EmbeddingRequest) -> None:
    for name in request.keys() - _PARAMETERS:
        meant = meant_option(name, [*_PARAMETERS, *GatewayFields.model_fields])
        what = f": did you mean {meant!r}?" if meant else ", and the gateway leaves out what it does not know"
        warn(f"{name} is no parameter of embeddings that is known here{what}")


def _encoding_format(asked: Any, known: list[EmbeddingProvider]) -> dict[str, Any]:
    """How vectors travel: it makes no difference to what they are, so whoever cannot do the one gets the other."""
    if all(provider.base64 for provider in known):
        return {"encoding_format": asked or "base64"}
    return {"encoding_format": "float"} if any(provider.needs_float for provider in known) else {}


def _check_dimensions(known: list[EmbeddingProvider], route: Route) -> None:
    deaf = [provider.name for provider in known if not provider.dimensions]
    if deaf and route.gateway == "oss-1":
        raise EncodingError(
            f"dimensions would not reach {' and '.join(deaf)}, since the gateway drops it: leave it out, or take a "
            "model whose vectors are as long as you need them"
        )


def _input_type(asked: str | None, kind: Kind, known: list[EmbeddingProvider]) -> dict[str, str]:
    told: dict[str, str] = {}
    for provider in known:
        if provider.types:
            told.setdefault(provider.types_field, asked or provider.types[kind == "query"])
    if asked and not told:
        if known:
            warn(f"input_type={asked!r} does not reach {' and '.join(each.name for each in known)}: it is left out")
        else:
            told["input_type"] = asked
    return told


def _check_models(route: Route) -> None:
    models = list(dict.fromkeys(model.rpartition("/")[2] for _, model in route.targets if model))
    if len(models) > 1:
        warn(f"the config may embed by {' or by '.join(models)}: vectors of different models cannot be compared")
