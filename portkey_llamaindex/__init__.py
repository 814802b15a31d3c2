"""Claude, or any model, through the Portkey AI gateway, as a LlamaIndex LLM.

Names are imported when first used: who asks a model need not wait for prompts and embeddings.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

try:
    import llama_index.core as _llama_index_core  # noqa: F401 only to tell whether it is there
except ImportError as error:
    raise ImportError('portkey_llamaindex needs LlamaIndex: pip install "portkey-frameworks[llamaindex]"') from error

if TYPE_CHECKING:
    from portkey_llamaindex.cache_report import CacheReport
    from portkey_llamaindex.embedding import PortkeyEmbedding
    from portkey_llamaindex.llm import Portkey
    from portkey_llamaindex.prompt import PortkeyPromptTemplate
    from portkey_llamaindex.tracer import instrument

__all__ = ["CacheReport", "Portkey", "PortkeyEmbedding", "PortkeyPromptTemplate", "instrument"]

_HOMES = {
    "CacheReport": "cache_report",
    "Portkey": "llm",
    "PortkeyEmbedding": "embedding",
    "PortkeyPromptTemplate": "prompt",
    "instrument": "tracer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
