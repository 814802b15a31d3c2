"""The fixtures of this folder."""

from tests.core.http.lines import ends, listener, make

__all__ = ["ends", "listener", "make"]
