"""What came of it: the vectors of texts, in their order."""

from __future__ import annotations

from dataclasses import dataclass

from portkey_gateway.conversation.usage import Usage
from portkey_gateway.info import GatewayInfo


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The vectors of texts."""

    vectors: list[list[float]]
    """One for each text, in the order of the texts."""
    model: str = ""
    """The model that embedded them, as the provider names it; empty if it does not."""
    usage: Usage | None = None
    """The tokens of all requests together; ``None`` if a provider tells none."""
    infos: tuple[GatewayInfo, ...] = ()
    """What the gateway said of each request, in the order of the texts."""
