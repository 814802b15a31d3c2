"""A thousand streams at once, and 64 threads: each answer belongs to its question, in both frameworks and formats."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.life.asking import Model, apieces, models, pieces, question, whole

STREAMS = 1000
THREADS = 64
ROUNDS = 3


@pytest.mark.timeout(300)
def test_a_thousand_streams_that_are_open_at_once_are_not_crossed(options: dict[str, Any]) -> None:
    asked = models(options)

    async def ask(number: int, all_begun: asyncio.Barrier) -> bool:
        text, answer = question(number)
        heard = ""
        async for piece in apieces(asked[number % len(asked)], text):
            if piece and not heard:
                await all_begun.wait()
            heard += piece
        return heard == answer

    async def ask_all() -> list[bool]:
        all_begun = asyncio.Barrier(STREAMS)
        return await asyncio.gather(*[ask(number, all_begun) for number in range(STREAMS)])

    assert asyncio.run(ask_all()).count(True) == STREAMS


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_streamed", [False, True])
def test_threads_are_not_crossed(options: dict[str, Any], *, is_streamed: bool) -> None:
    asked = models(options)
    together = threading.Barrier(THREADS)

    def ask(model: Model, number: int) -> bool:
        text, answer = question(number)
        together.wait()
        if not is_streamed:
            return whole(model, text) == answer
        heard = ""
        for piece in pieces(model, text):
            if piece and not heard:
                together.wait()  # all streams are open now
            heard += piece
        return heard == answer

    def work(thread: int) -> int:
        return sum(ask(asked[(thread + turn) % len(asked)], thread * ROUNDS + turn) for turn in range(ROUNDS))

    with ThreadPoolExecutor(THREADS) as threads:
        assert sum(threads.map(work, range(THREADS))) == THREADS * ROUNDS
