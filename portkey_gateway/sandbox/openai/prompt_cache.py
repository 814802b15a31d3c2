"""OpenAI's prompt cache, which needs no marks: a prompt that begins as an earlier one did reads that beginning from it.

Source: OpenAI's guide "Prompt caching": prompts of 1024 tokens or more, in steps of 128. Here a beginning ends with a
whole message, and nothing expires.
"""

import hashlib
import threading
from collections.abc import Iterable
from typing import Final

_LEAST_TOKENS: Final = 1024
_STEP_TOKENS: Final = 128


class PromptCache:
    """Remembers how prompts began. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def account(self, owner: str, pieces: Iterable[tuple[str, int]]) -> int:
        """Return how many tokens of a prompt are read from the cache, and remember the prompt.

        Args:
            owner: Whose prompt it is, and for which model.
            pieces: The prompt, piece by piece: its text and its tokens.
        """
        digest = hashlib.sha256(owner.encode())
        total = cached = 0
        with self._lock:
            for text, weight in pieces:
                digest.update(f"\0{text}".encode("utf-8", "surrogatepass"))
                total += weight
                beginning = digest.hexdigest()
                if beginning in self._known:
                    cached = total
                self._known.add(beginning)
        return cached - cached % _STEP_TOKENS if cached >= _LEAST_TOKENS else 0

    def clear(self) -> None:
        """Forget every prompt."""
        with self._lock:
            self._known.clear()
