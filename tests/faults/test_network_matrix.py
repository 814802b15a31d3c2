"""The network before the real gateway breaks at each place of an answer, for every caller of both frameworks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from portkey_gateway import APIConnectionError, APITimeoutError
from portkey_gateway.sandbox import Sandbox
from tests.support.callers import EVERY, STREAMED, WHOLE, Caller, Said
from tests.support.proxy import Break, Kind, Proxy

THOUGHT: Final = "Pondering."
PARROT: Final = "🦜".encode()
ANSWER: Final = Said("Grüße 🦜 Answer.", (("get_weather", "Kiel"),))
PLACES: Final = {
    "before the head": Break("cut"),
    "in the head": Break("cut", b"HTTP/1.1 2"),
    "behind the head": Break("cut", b"\r\n\r\n"),
    "in the first event": Break("cut", b"\r\n\r\n", 40),
    "in a thought": Break("cut", b"Ponder"),
    "in a character": Break("cut", PARROT[:2]),
    "in a text": Break("cut", b"Answ"),
    "in a tool call": Break("cut", b"get_wea"),
    "in the arguments": Break("cut", b"Ki"),
}
IN_WHOLE: Final = ("before the head", "in the head", "behind the head", "in a character", "in a tool call")


@pytest.fixture(scope="module")
def proxy(portkey_sandbox: Sandbox) -> Iterator[Proxy]:
    with Proxy(portkey_sandbox.base_url) as running:
        yield running


@pytest.fixture(params=["chat_completions", "messages"])
def options(request: pytest.FixtureRequest, sandbox: Sandbox, proxy: Proxy) -> dict[str, Any]:
    """The options of a model that thinks, speaks and calls a tool."""
    tool_use = {"type": "tool_use", "name": "get_weather", "input": {"city": "Kiel"}}
    sandbox.claude.reply_with(
        {"type": "thinking", "thinking": THOUGHT}, ANSWER.text, tool_use, stop_reason="tool_use", times=9
    )
    return {
        "model": "claude-sonnet-4-5",
        **sandbox.options(),
        "base_url": proxy.base_url,
        "api_format": request.param,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "max_tokens": 3000,
        "timeout": 10,
        "max_retries": 0,
    }


def broken(place: str, kind: Kind) -> Break:
    at = PLACES[place]
    return Break(kind, at.at, at.beyond)


def fails_once(caller: Caller, options: dict[str, Any], proxy: Proxy, sandbox: Sandbox, how: Break) -> None:
    """Show that a break is an error and nothing else, is not paid for again, and spoils no later call."""
    proxy.inject(how)

    with pytest.raises(APIConnectionError) as caught:
        caller({**options, "max_retries": 2})

    assert isinstance(caught.value, APITimeoutError) == (how.kind == "stall")
    assert caught.value.may_be_charged
    assert len(sandbox.claude.requests) == 1
    assert caller(options) == ANSWER
    assert len(sandbox.claude.requests) == 2


@pytest.mark.parametrize("caller", STREAMED)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["cut", "reset", "half_close"])
def test_a_stream_that_breaks_is_an_error_wherever_it_does(
    sandbox: Sandbox, proxy: Proxy, options: dict[str, Any], *, caller: Caller, place: str, kind: Kind
) -> None:
    fails_once(caller, options, proxy, sandbox, broken(place, kind))


@pytest.mark.parametrize("caller", WHOLE)
@pytest.mark.parametrize("place", IN_WHOLE)
@pytest.mark.parametrize("kind", ["cut", "reset", "half_close"])
def test_a_whole_answer_that_breaks_is_an_error_wherever_it_does(
    sandbox: Sandbox, proxy: Proxy, options: dict[str, Any], *, caller: Caller, place: str, kind: Kind
) -> None:
    fails_once(caller, options, proxy, sandbox, broken(place, kind))


@pytest.mark.parametrize("caller", EVERY)
@pytest.mark.parametrize("place", ["before the head", "behind the head", "in a character"])
def test_an_answer_that_falls_silent_is_a_timeout(
    sandbox: Sandbox, proxy: Proxy, options: dict[str, Any], caller: Caller, place: str
) -> None:
    fails_once(caller, {**options, "timeout": 0.5}, proxy, sandbox, broken(place, "stall"))


@pytest.mark.parametrize("caller", EVERY)
@pytest.mark.parametrize("kind", ["split", "throttle"])
def test_an_answer_that_comes_in_bits_is_the_same(
    proxy: Proxy, options: dict[str, Any], caller: Caller, kind: Kind
) -> None:
    proxy.inject(Break(kind))

    assert caller(options) == ANSWER


@pytest.mark.parametrize("caller", EVERY)
def test_a_gateway_that_comes_back_is_found_again(
    sandbox: Sandbox, proxy: Proxy, options: dict[str, Any], caller: Caller
) -> None:
    assert caller(options) == ANSWER
    proxy.stop()
    with pytest.raises(APIConnectionError) as caught:
        caller(options)
    assert not caught.value.may_be_charged
    proxy.restart()

    assert caller(options) == ANSWER
    assert len(sandbox.claude.requests) == 2
