"""Claude, or any model, through the Portkey AI gateway, as a LangChain chat model."""

try:
    import langchain_core as _langchain_core  # noqa: F401 only to tell whether it is there
except ImportError as error:
    raise ImportError('portkey_langchain needs LangChain: pip install "portkey-frameworks[langchain]"') from error

from portkey_langchain.chat_model import ChatPortkey
from portkey_langchain.tracer import PortkeyTracer

__all__ = ["ChatPortkey", "PortkeyTracer"]
