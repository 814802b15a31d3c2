"""The fixtures of this folder."""

from tests.llamaindex.conftest import api_format, llm, received

__all__ = ["api_format", "llm", "received"]
