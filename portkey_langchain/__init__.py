"""Claude, or any model, through the Portkey AI gateway, as a LangChain chat model.

Names are imported when first used, as LangChain's own are: who asks a model need not wait for prompts and embeddings.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

try:
    import langchain_core as _langchain_core  # noqa: F401 only to tell whether it is there
except ImportError as error:
    raise ImportError('portkey_langchain needs LangChain: pip install "portkey-frameworks[langchain]"') from error

# Not later: whoever sets `PORTKEY_TRACING` gets spans of runs in which no name of ours is used.
from portkey_langchain import tracing_variable as _tracing_variable  # noqa: F401

if TYPE_CHECKING:
    from portkey_langchain.cache_report import CacheReport
    from portkey_langchain.chat_model import ChatPortkey
    from portkey_langchain.embeddings import PortkeyEmbeddings
    from portkey_langchain.init import init_chat_model, init_embeddings
    from portkey_langchain.middleware import PortkeyPromptCachingMiddleware
    from portkey_langchain.prompt import PortkeyPrompt
    from portkey_langchain.tracer import PortkeyTracer

__all__ = [
    "CacheReport",
    "ChatPortkey",
    "PortkeyEmbeddings",
    "PortkeyPrompt",
    "PortkeyTracer",
    "init_chat_model",
    "init_embeddings",
]
if find_spec("langchain"):
    # Agents live in a package that is no part of the extra, so that an import of every name must work without it.
    __all__ += ["PortkeyPromptCachingMiddleware"]


_HOMES = {
    "CacheReport": "cache_report",
    "ChatPortkey": "chat_model",
    "PortkeyEmbeddings": "embeddings",
    "PortkeyPrompt": "prompt",
    "PortkeyPromptCachingMiddleware": "middleware",
    "PortkeyTracer": "tracer",
    "init_chat_model": "init",
    "init_embeddings": "init",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
