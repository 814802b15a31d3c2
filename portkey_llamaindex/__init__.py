"""The LlamaIndex plugin. Its model class is not written yet; ``portkey_langchain.ChatPortkey`` is."""

try:
    import llama_index.core as _llama_index_core  # noqa: F401 only to tell whether it is there
except ImportError as error:
    raise ImportError('portkey_llamaindex needs LlamaIndex: pip install "portkey-frameworks[llamaindex]"') from error
