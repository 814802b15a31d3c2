"""The keys of one call that functions are asked for: anew before each try, so that each carries those of now."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from portkey_gateway.errors import EncodingError
from portkey_gateway.keys import AskedKey, key_header
from portkey_gateway.names import check_header


class AskedKeys:
    """What the functions said, and the headers made of it; it shows none of it.

    What a function raises is raised as it is: it is the user's own, and no failure of the gateway.

    Args:
        keys: by the names of their options.
    """

    __slots__ = ("_keys", "given", "headers")

    def __init__(self, keys: Mapping[str, AskedKey]) -> None:
        self._keys = keys
        self.given: set[str] = set()
        """All that were said; errors must not show them."""
        self.headers: dict[str, str] = {}
        """Those of the next try."""

    def ask(self) -> None:
        """Ask each function.

        Raises:
            EncodingError: if one is async, or returns what is no key.
        """
        for option, key in self._keys.items():
            said = key()
            if inspect.isawaitable(said):
                if inspect.iscoroutine(said):
                    said.close()
                raise EncodingError(
                    f"{option} is an async function, which a call without await cannot wait for: use ainvoke, achat or "
                    "another async method, or give a function that is not async"
                )
            self._take(option, said)

    async def aask(self) -> None:
        """Async twin of ``ask``: a function that is not async is asked in a thread, since it may take its time."""
        for option, key in self._keys.items():
            said = key() if inspect.iscoroutinefunction(key.ask) else await asyncio.to_thread(key)
            self._take(option, await said if inspect.isawaitable(said) else said)

    def _take(self, option: str, said: Any) -> None:
        text = said.get_secret_value() if isinstance(said, SecretStr) else said
        if not isinstance(text, str) or not text:
            what = "an empty text" if text == "" else type(said).__name__
            raise EncodingError(f"{option} is a function that must return the key as text; it returned {what}")
        try:
            check_header(f"what the function of {option} returns", text)
        except ValueError as error:
            raise EncodingError(str(error)) from None
        self.given.add(text)
        name, value = key_header(option, text)
        self.headers[name] = value
