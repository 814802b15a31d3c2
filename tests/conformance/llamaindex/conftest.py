"""The fixtures of this folder."""

from tests.llamaindex.conftest import llm, received

__all__ = ["llm", "received"]
