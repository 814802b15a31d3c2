"""Who is measured, and who is compared with whom."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

OPENAI_LIKE: Final = "build/llamaindex-bench"
"""Where ``make bench`` unpacks ``OpenAILike`` with the SDK that it wants."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One contender: ``benchmarks/contenders/<module>.py``."""

    module: str
    title: str
    needs: tuple[str, ...]
    """The packages it imports."""
    folder: str = ""
    """Where packages of its own lie, which go before all others: they want other versions than the rest."""

    def is_installed(self) -> bool:
        """Whether it can run here."""
        return all(find_spec(name) for name in self.needs) and (not self.folder or Path(self.folder).is_dir())


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one of our models is held against; each is a contender's module."""

    ours: str
    floor: str
    """The framework without any network."""
    network: str
    """The network without any framework."""
    rival: str


_LANGCHAIN: Final = ("langchain_core", "portkey_langchain")
_LLAMAINDEX: Final = ("llama_index.core", "portkey_llamaindex")

ENTRIES: Final = (
    Entry("raw_httpx", "raw httpx", ("httpx",)),
    Entry("raw_httpx_messages", "raw httpx, messages", ("httpx",)),
    Entry("langchain_floor", "LangChain floor", ("langchain_core",)),
    Entry("chat_portkey", "ChatPortkey", _LANGCHAIN),
    Entry("chat_portkey_messages", "ChatPortkey, messages", _LANGCHAIN),
    Entry("chat_openai", "ChatOpenAI + createHeaders", ("langchain_openai", "portkey_ai")),
    Entry("chat_anthropic", "ChatAnthropic, messages", ("langchain_anthropic",)),
    Entry("llamaindex_floor", "LlamaIndex floor", ("llama_index.core",)),
    Entry("llamaindex_portkey", "Portkey (LlamaIndex)", _LLAMAINDEX),
    Entry("llamaindex_portkey_messages", "Portkey (LlamaIndex), messages", _LLAMAINDEX),
    Entry("llamaindex_openai_like", "OpenAILike + createHeaders", ("llama_index.core", "portkey_ai"), OPENAI_LIKE),
)

COMPARISONS: Final = (
    Comparison("chat_portkey", "langchain_floor", "raw_httpx", "chat_openai"),
    Comparison("chat_portkey_messages", "langchain_floor", "raw_httpx_messages", "chat_anthropic"),
    Comparison("llamaindex_portkey", "llamaindex_floor", "raw_httpx", "llamaindex_openai_like"),
    Comparison("llamaindex_portkey_messages", "llamaindex_floor", "raw_httpx_messages", "llamaindex_openai_like"),
)
