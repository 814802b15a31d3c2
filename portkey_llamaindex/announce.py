"""How calls show up in LlamaIndex's events, callbacks and spans."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import Any, TypeVar, cast

from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import DISPATCHER_SPAN_DECORATED_ATTR

MethodT = TypeVar("MethodT", bound=Callable[..., Any])
ResponseT = TypeVar("ResponseT")

_dispatcher = get_dispatcher(__name__)


def announced(callback: Callable[[], Callable[..., Any]]) -> Callable[[MethodT], MethodT]:
    """Announce a method's calls as LlamaIndex's own decorators do, and mend what those would spoil.

    Gateway options of a call are taken off before anything is announced: they may hold keys, and events, callbacks and
    spans show their arguments. A stream that its user closes is closed down to its connection: LlamaIndex's decorators
    only let go of it, and whoever keeps the event about its end keeps it open.

    Args:
        callback: ``llm_chat_callback`` or ``llm_completion_callback``.
    """

    def decorate(method: MethodT) -> MethodT:
        observe = _observed_async if inspect.iscoroutinefunction(method) else _observed
        observed: Any = functools.wraps(method)(observe(callback, method))
        # LlamaIndex asks for it at every call, and putting it together takes 15 µs.
        observed.__signature__ = inspect.signature(method)
        spanned: Any = _dispatcher.span(observed)

        @functools.wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            target, parameters = self.for_call(kwargs)
            return spanned.__get__(target)(*args, **parameters)

        # LlamaIndex puts a span around every method of an LLM that does not say it has one.
        setattr(call, DISPATCHER_SPAN_DECORATED_ATTR, True)
        return cast("MethodT", call)

    return decorate


def _observed(callback: Callable[[], Callable[..., Any]], method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        made: list[Any] = []

        def make(self: Any, *args: Any, **kwargs: Any) -> Any:
            made.append(method(self, *args, **kwargs))
            return made[0]

        answer = callback()(make)(self, *args, **kwargs)
        return _closing(answer, made[0]) if isinstance(answer, Generator) else answer

    return call


def _observed_async(callback: Callable[[], Callable[..., Any]], method: Callable[..., Any]) -> Callable[..., Any]:
    async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        made: list[Any] = []

        async def make(self: Any, *args: Any, **kwargs: Any) -> Any:
            made.append(await method(self, *args, **kwargs))
            return made[0]

        answer = await callback()(make)(self, *args, **kwargs)
        return _aclosing(answer, made[0]) if isinstance(answer, AsyncGenerator) else answer

    return call


def _closing(
    responses: Generator[ResponseT, None, None], source: Generator[ResponseT, None, None]
) -> Generator[ResponseT, None, None]:
    with closing(source), closing(responses):
        yield from responses


async def _aclosing(
    responses: AsyncGenerator[ResponseT, None], source: AsyncGenerator[ResponseT, None]
) -> AsyncGenerator[ResponseT, None]:
    async with aclosing(source), aclosing(responses):
        async for response in responses:
            yield response
