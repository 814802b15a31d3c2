"""A stream that is open holds nothing of what was asked: neither the request with its body, nor what sent it."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing, closing

from portkey_gateway import GatewayClient
from portkey_gateway.http.call import Call
from tests.life.asking import Model, apieces, pieces, question


def asked() -> int:
    """How many calls, and clients that send them, are alive."""
    gc.collect()
    return sum(isinstance(each, GatewayClient | Call) for each in gc.get_objects())


def test_a_stream_in_a_thread_holds_no_request(model: Model) -> None:
    text, answer = question(1)
    before = asked()
    with closing(pieces(model, text)) as stream:
        heard = next(piece for piece in stream if piece)
        assert asked() == before
        assert heard + "".join(stream) == answer


def test_a_stream_in_a_loop_holds_no_request(model: Model) -> None:
    text, answer = question(2)

    async def listen() -> str:
        before = asked()
        async with aclosing(apieces(model, text)) as stream:
            heard = ""
            while not heard:
                heard = await anext(stream)
            assert asked() == before
            return heard + "".join([piece async for piece in stream])

    assert asyncio.run(listen()) == answer
