"""The fixtures of this folder."""

from tests.support.fixtures import server

__all__ = ["server"]
