"""Who is measured, and who is compared with whom."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """One contender: ``benchmarks/contenders/<module>.py``."""

    module: str
    title: str
    needs: tuple[str, ...]
    """The packages it imports."""

    def is_installed(self) -> bool:
        """Whether it can run here."""
        return all(find_spec(name) for name in self.needs)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one of our models is held against; each is a contender's module."""

    ours: str
    floor: str
    """The framework without any network."""
    network: str
    """The network without any framework."""
    rival: str


ENTRIES: Final = (
    Entry("raw_httpx", "raw httpx", ("httpx",)),
    Entry("langchain_floor", "LangChain floor", ("langchain_core",)),
    Entry("chat_portkey", "ChatPortkey", ("langchain_core", "portkey_langchain")),
    Entry("chat_portkey_messages", "ChatPortkey over messages", ("langchain_core", "portkey_langchain")),
    Entry("chat_openai", "ChatOpenAI + createHeaders", ("langchain_openai", "portkey_ai")),
)

COMPARISONS: Final = (
    Comparison(ours="chat_portkey", floor="langchain_floor", network="raw_httpx", rival="chat_openai"),
)
