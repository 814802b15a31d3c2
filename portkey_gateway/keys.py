"""Keys as users give them: texts, or functions that are asked for one before each request; neither shows itself.

``ChatOpenAI`` takes such functions as its ``api_key`` (langchain-openai 1.7.3): keys that change, as short-lived tokens
of a cloud do, are then always those of now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Self, TypeAlias

from pydantic import SecretStr

Key: TypeAlias = SecretStr | str | Callable[[], str] | Callable[[], Awaitable[str]]
"""A key, or what is asked for it before each request."""

_HEADERS: Final = {
    "api_key": ("x-portkey-api-key", ""),
    "provider_api_key": ("authorization", "Bearer "),
    "virtual_key": ("x-portkey-virtual-key", ""),
}
KEYS: Final = frozenset(_HEADERS)
"""The names of the options that are keys."""


class AskedKey:
    """A function that is asked for a key; shown as a ``SecretStr`` is, since what it was bound to may hold secrets.

    Args:
        ask: takes nothing and returns the key; it may be async.
    """

    __slots__ = ("ask",)

    def __init__(self, ask: Callable[[], Any]) -> None:
        self.ask = ask

    def __call__(self) -> Any:
        """Ask for the key, as the function itself would be."""
        return self.ask()

    @property
    def name(self) -> str:
        """What the function is called: its module and its place there."""
        named = self.ask if hasattr(self.ask, "__qualname__") else type(self.ask)
        return f"{named.__module__}.{named.__qualname__}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}('**********')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AskedKey) and self.ask == other.ask

    def __hash__(self) -> int:
        return hash((AskedKey, self.name))

    def __deepcopy__(self, memo: Any) -> Self:
        """Share the function, which may hold connections of its own."""
        return self


def hide_key(key: Any) -> Any:
    """A key as it is kept; what is none is left for validation to refuse."""
    if isinstance(key, str):
        return SecretStr(key)
    return AskedKey(key) if callable(key) and not isinstance(key, AskedKey) else key


def key_header(option: str, key: str) -> tuple[str, str]:
    """The header of a key: its name and its value.

    Args:
        option: under which the key was given.
        key: as text.
    """
    name, before = _HEADERS[option]
    return name, f"{before}{key}"
