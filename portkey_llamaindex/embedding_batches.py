"""The batches that LlamaIndex cuts texts into, as one piece of work: with one failure, and so many requests at once.

LlamaIndex embeds each batch by a call of its own and keeps nothing of the others when one fails; in async it begins
those that are left all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from math import ceil
from typing import Any, Final
from uuid import uuid4

from llama_index.core.base.embeddings.base import Embedding

from portkey_gateway.embeddings.whole import Whole
from portkey_gateway.errors import PortkeyError

CACHE: Final = "embeddings"
"""The collection of a cache in which LlamaIndex keeps vectors."""


class _Work:
    """All batches of one call.

    Args:
        texts: all of them.
        max_concurrency: how many requests may be under way.
        num_workers: how many batches LlamaIndex has under way, in async; with one or ``None`` all of them.
        batch_size: the texts of one batch.
    """

    def __init__(self, texts: list[str], max_concurrency: int, num_workers: int | None, batch_size: int) -> None:
        self.whole = Whole(texts)
        self._texts = texts
        workers = num_workers if num_workers and num_workers > 1 else max_concurrency
        batches = max(1, min(max_concurrency, workers, ceil(len(texts) / batch_size)))
        self._share = max_concurrency // batches
        self._gate = asyncio.Semaphore(batches)
        self._running: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[int]:
        """One batch is embedded inside, when it is its turn; tells how many requests it may have under way."""
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        async with self._gate:
            yield self._share

    async def settled(self) -> None:
        """Wait for the batches that are under way."""
        while running := self._running - {asyncio.current_task()}:
            await asyncio.wait(running)

    def tell(self, error: PortkeyError) -> None:
        """Tell in an error what was embedded of all batches."""
        error.embedded = self.whole.embedded

    def to_cache(self) -> Iterator[tuple[str, dict[str, Embedding]]]:
        """What was embedded, as LlamaIndex keeps it in a cache."""
        for place, vector in self.whole.embedded.items():
            yield self._texts[place], {str(uuid4()): vector}


WORK: Final[ContextVar[_Work | None]] = ContextVar("portkey_embedding_work", default=None)
"""The call of LlamaIndex that a batch is part of."""


@contextmanager
def one_piece_of_work(
    texts: list[str], max_concurrency: int, num_workers: int | None, batch_size: int
) -> Iterator[_Work]:
    """Everything that is embedded inside is part of one piece of work.

    Raises:
        EncodingError: if one of the texts cannot be embedded.
    """
    work = _Work(texts, max_concurrency, num_workers, batch_size)
    token = WORK.set(work)
    try:
        yield work
    finally:
        WORK.reset(token)
