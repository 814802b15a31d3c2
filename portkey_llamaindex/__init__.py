"""Claude, or any model, through the Portkey AI gateway, as a LlamaIndex LLM."""

try:
    import llama_index.core as _llama_index_core  # noqa: F401 only to tell whether it is there
except ImportError as error:
    raise ImportError('portkey_llamaindex needs LlamaIndex: pip install "portkey-frameworks[llamaindex]"') from error

from portkey_llamaindex.cache_report import CacheReport
from portkey_llamaindex.embedding import PortkeyEmbedding
from portkey_llamaindex.llm import Portkey
from portkey_llamaindex.prompt import PortkeyPromptTemplate
from portkey_llamaindex.tracer import instrument

__all__ = ["CacheReport", "Portkey", "PortkeyEmbedding", "PortkeyPromptTemplate", "instrument"]
