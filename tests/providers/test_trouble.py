"""Errors of each provider: before the answer, and in the middle of a stream."""

from __future__ import annotations

import pytest

from portkey_gateway import BadRequestError, RateLimitError, ServerError, StreamError
from portkey_gateway.errors import PortkeyError
from tests.providers.emulated import EmulatedProvider, RefusedError, Said
from tests.providers.frameworks import Framework, Way, any_way, streamed


@pytest.mark.parametrize(("status", "kind"), [(400, BadRequestError), (429, RateLimitError), (503, ServerError)])
@any_way
def test_an_error_before_the_answer(
    framework: Framework, provider: EmulatedProvider, way: Way, status: int, kind: type[PortkeyError]
) -> None:
    provider.say(RefusedError("Not today.", status))
    with pytest.raises(kind, match="Not today") as caught:
        framework.ask(way, [framework.user("Hi")])
    assert isinstance(caught.value, PortkeyError)
    assert caught.value.status == status


@pytest.mark.parametrize("how", ["cut", "error"])
@streamed
def test_a_stream_that_breaks_off_is_no_answer(
    framework: Framework, provider: EmulatedProvider, way: Way, how: str
) -> None:
    provider.say(Said("Once upon a time."))
    provider.break_off("cut" if how == "cut" else "error")
    with pytest.raises(StreamError):
        framework.ask(way, [framework.user("Hi")])
