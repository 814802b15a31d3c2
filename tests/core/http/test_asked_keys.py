"""Keys that functions are asked for, before each try anew, and what is no key."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from portkey_gateway import EncodingError
from portkey_gateway.http.asked_keys import AskedKeys
from portkey_gateway.keys import AskedKey

Ask = Callable[[AskedKeys], None]


def _sync(keys: AskedKeys) -> None:
    keys.ask()


def _async(keys: AskedKeys) -> None:
    asyncio.run(keys.aask())


@pytest.fixture(params=[_sync, _async])
def ask(request: pytest.FixtureRequest) -> Ask:
    asked: Ask = request.param
    return asked


def keys(**functions: Callable[[], Any]) -> AskedKeys:
    return AskedKeys({option: AskedKey(function) for option, function in functions.items()})


def returns(said: Any) -> Callable[[], Any]:
    return lambda: said


def test_each_goes_into_its_own_header(ask: Ask) -> None:
    asked = keys(api_key=returns("a-key"), provider_api_key=returns("p-key"), virtual_key=returns(SecretStr("v-key")))
    assert (asked.given, asked.headers) == (set(), {})
    ask(asked)
    assert asked.given == {"a-key", "p-key", "v-key"}
    assert asked.headers == {
        "x-portkey-api-key": "a-key",
        "authorization": "Bearer p-key",
        "x-portkey-virtual-key": "v-key",
    }


def test_the_next_try_has_that_of_now_and_the_last_is_still_known(ask: Ask) -> None:
    said = iter(["first", "second"])
    asked = keys(api_key=lambda: next(said))
    ask(asked)
    ask(asked)
    assert asked.headers == {"x-portkey-api-key": "second"}
    assert asked.given == {"first", "second"}


@pytest.mark.parametrize(
    ("said", "what"),
    [("", "an empty text"), (SecretStr(""), "an empty text"), (None, "NoneType"), (7, "int"), (b"key", "bytes")],
)
def test_what_is_no_key_is_an_error_that_names_the_option(ask: Ask, said: Any, what: str) -> None:
    asked = keys(api_key=returns(said))
    with pytest.raises(EncodingError) as caught:
        ask(asked)
    assert caught.value.message == f"api_key is a function that must return the key as text; it returned {what}"
    assert (asked.given, asked.headers) == (set(), {})


@pytest.mark.parametrize("said", ["kéy", "key\n", " key"])
def test_what_no_header_carries_is_an_error_that_does_not_show_it(ask: Ask, said: str) -> None:
    asked = keys(virtual_key=returns(said))
    with pytest.raises(EncodingError) as caught:
        ask(asked)
    assert caught.value.message == (
        "what the function of virtual_key returns goes into an HTTP header: printable ASCII only, without spaces "
        "around it"
    )
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def _key() -> str:
    return "a-key"


def _awaitable() -> Awaitable[str]:
    return _key()


@pytest.mark.parametrize("function", [_key, _awaitable])
def test_an_async_function_is_awaited_where_that_can_be(function: Callable[[], Awaitable[str]]) -> None:
    asked = keys(api_key=function)
    asyncio.run(asked.aask())
    assert asked.headers == {"x-portkey-api-key": "a-key"}
    with pytest.raises(EncodingError) as caught:
        keys(api_key=function).ask()
    assert caught.value.message == (
        "api_key is an async function, which a call without await cannot wait for: use ainvoke, achat or another async "
        "method, or give a function that is not async"
    )


def test_in_a_loop_a_function_that_may_take_its_time_is_asked_in_a_thread() -> None:
    asked_in: list[threading.Thread] = []

    def function() -> str:
        asked_in.append(threading.current_thread())
        return "a-key"

    asyncio.run(keys(api_key=function).aask())
    assert asked_in[0] is not threading.current_thread()


def test_what_a_function_raises_is_raised_as_it_is(ask: Ask) -> None:
    def function() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(keys(api_key=function))
