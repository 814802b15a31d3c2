"""What a contender is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol


class Contender(Protocol):
    """One way to call a model, in the shape that the measures need.

    ``prepare`` runs before the clock starts; what it returns is passed to the calls, and means nothing to the measures.
    """

    def prepare(self, messages: list[dict[str, Any]]) -> Any:
        """Turn messages in OpenAI's schema into the contender's own."""

    def invoke(self, prepared: Any) -> str:
        """Return a whole answer's text."""

    async def ainvoke(self, prepared: Any) -> str:
        """Async twin of ``invoke``."""

    def stream(self, prepared: Any) -> Iterator[str]:
        """Yield the text that each chunk adds; it may be empty."""

    def astream(self, prepared: Any) -> AsyncIterator[str]:
        """Async twin of ``stream``."""


class ContenderModule(Protocol):
    """What a file of this folder offers."""

    def make(self, base_url: str, answer_tokens: int) -> Contender:
        """Return a contender that calls ``base_url`` and asks for answers of so many tokens."""
