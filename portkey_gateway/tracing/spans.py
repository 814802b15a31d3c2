"""Spans of what a framework does around its calls, open and finished. Pure."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, Self, TypeAlias

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.context import TraceContext, new_span_id
from portkey_gateway.tracing.excerpt import MAX_EXCERPT_CHARS
from portkey_gateway.tracing.runner import Runner

MAX_OPEN_SPANS: Final = 10_000
"""Spans that may be open at once."""
MAX_OPEN_CHARS: Final = 16_000_000
"""Characters that all open spans hold together; beyond it the oldest are given up."""
MAX_OPEN_AGE_S: Final = 3600.0
"""Seconds after which a span is given up that nobody ended, and that started no other span since."""

MAX_INNER_FAILURES: Final = 32
"""Failures of folded steps that a span tells of, those that came last."""
MAX_INNER_CHARS: Final = 64_000
"""Characters of their texts and stacks together; of those before it tells the class."""
MAX_TOLD_ERRORS: Final = 64
"""Errors that a span knows again, those that came last."""

_ERROR_KEY: Final = "_portkey_error_key"

# OpenTelemetry's own switch for inputs and outputs (its conventions for GenAI, "Capturing content").
_CONTENT_VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"

Attribute: TypeAlias = str | bool | int | float | Sequence[str]


_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


# What is made of every step is a tuple: a frozen class takes several times as long to make, and to change.


class Described(NamedTuple):
    """What is told of a span when it starts, or when it ends.

    What a step was given and gave is kept apart from what it is: the one is content, which the user may leave out.
    """

    name: str = ""
    attributes: Mapping[str, Attribute | None] = _NOTHING
    """``None`` stands for nothing to say."""
    content: Mapping[str, Any] = _NOTHING
    kind: Literal["internal", "client"] = "internal"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a span failed with."""

    type: str
    """The class of the exception."""
    message: str = ""
    """Empty where content is left out: an exception often quotes it."""
    stacktrace: str = ""
    step: str = ""
    """Of a step that is folded into the span: what it is called."""
    at_ns: int = 0
    """When such a step failed, in nanoseconds since 1970."""

    @classmethod
    def of(cls, error: BaseException, *, capture_content: bool = True) -> Self:
        """Describe an exception, its text and stack bounded to ``MAX_EXCERPT_CHARS`` each."""
        kind = type(error)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        if not capture_content:
            return cls(name)
        return cls(name, _text(error)[:MAX_EXCERPT_CHARS], _stack(error)[-MAX_EXCERPT_CHARS:])

    @property
    def chars(self) -> int:
        """How much text it holds."""
        return len(self.message) + len(self.stacktrace)


class Span(NamedTuple):
    """A finished span."""

    name: str
    context: TraceContext
    started_ns: int
    """Nanoseconds since 1970."""
    ended_ns: int
    attributes: Mapping[str, Attribute]
    kind: Literal["internal", "client"] = "internal"
    failure: Failure | None = None
    inner_failures: tuple[Failure, ...] = ()
    """Of steps that are folded into it."""


class OpenSpan(NamedTuple):
    """A span whose end is not known yet."""

    name: str
    context: TraceContext
    attributes: Mapping[str, Attribute] = _NOTHING
    kind: Literal["internal", "client"] = "internal"
    ends_apart: bool = False
    """Whether its end is told apart from the end of its call, as a stream's is."""
    awaits_call: bool = False
    """Whether it stands for a call of ours that the framework is about to make; the call itself then tells the rest."""
    asks_another: bool = False
    """Whether such a call has asked another model, which tells of itself, and not the gateway yet."""
    parent_key: str | None = None
    """The framework's id of the span around it."""
    runner: Runner | None = None
    """Who runs it, where the framework may not tell its end."""
    inner_failures: tuple[tuple[str, Failure], ...] = ()
    """Of steps that are folded into it, each with its ``error_key``."""
    told_errors: tuple[str, ...] = ()
    """The last of those that it or a span in it has told of, by the same: an error passes through many steps."""
    started_ns: int = 0
    """Nanoseconds since 1970."""

    @property
    def chars(self) -> int:
        """How much text it holds."""
        held = 0
        for value in self.attributes.values():
            if isinstance(value, str):
                held += len(value)
        for _, failure in self.inner_failures:
            held += failure.chars
        return held

    def telling(self, known: str, failure: Failure | None = None) -> Self:
        """It, once an error was told of in it.

        Args:
            known: the error's ``error_key``.
            failure: what it is to tell of it itself, if that is so.
        """
        told = (*self.told_errors, known)[-MAX_TOLD_ERRORS:]
        if failure is None:
            return self._replace(told_errors=told)
        inner = _bounded((*self.inner_failures, (known, failure))[-MAX_INNER_FAILURES:])
        return self._replace(inner_failures=inner, told_errors=told)

    def end(self, attributes: Mapping[str, Attribute], failure: Failure | None = None) -> Span:
        """Finish it now, with these attributes beside its own."""
        return self.end_as({**self.attributes, **attributes}, failure)

    def end_as(self, attributes: Mapping[str, Attribute], failure: Failure | None = None) -> Span:
        """Finish it now, with these attributes in the place of its own."""
        inner = tuple([each for _, each in self.inner_failures]) if self.inner_failures else ()
        return Span(self.name, self.context, self.started_ns, time.time_ns(), attributes, self.kind, failure, inner)


class OpenSpans:
    """The spans that were started and not yet ended, by the framework's id of what they stand for.

    Safe to use from many threads. Those that are never ended are given up after a time, or when there are too many or
    they hold too much.

    Args:
        max_spans: how many are kept.
        max_chars: how many characters they may hold together.
        max_age_s: seconds after which one is given up that was not heard of since.
        clock: tells the time in seconds.

    Attributes:
        given_up: how many were.
        untold: those whose end may not be told, by the framework's id of the step around them.
    """

    def __init__(
        self,
        *,
        max_spans: int = MAX_OPEN_SPANS,
        max_chars: int = MAX_OPEN_CHARS,
        max_age_s: float = MAX_OPEN_AGE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.given_up = 0
        self._max_spans = max_spans
        self._max_chars = max_chars
        self._max_age_s = max_age_s
        self._clock = clock
        # With the time when it was last heard of, and how much text it holds.
        self._spans: OrderedDict[str, tuple[OpenSpan, float, int]] = OrderedDict()
        self._keys: dict[str, str] = {}
        self.untold: dict[str | None, set[str]] = {}
        self._chars = 0
        # None was last heard of earlier, though the oldest may be younger by now.
        self._oldest_s = clock()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many are open."""
        return len(self._spans)

    def __contains__(self, key: str) -> bool:
        """Whether one of this id is open."""
        return key in self._spans

    def start(self, key: str, span: OpenSpan) -> None:
        """Keep a span until its end."""
        with self._lock:
            if key in self._spans:
                self._pop(key)
            chars, now = span.chars, self._clock()
            self._spans[key] = span, now, chars
            if span.context.span_id:
                self._keys[span.context.span_id] = key
            if span.runner:
                self.untold.setdefault(span.runner.inside, set()).add(key)
            self._chars += chars
            if (
                self._oldest_s < now - self._max_age_s
                or self._chars > self._max_chars
                or len(self._spans) > self._max_spans
            ):
                self._give_up(now)

    def touch(self, key: str) -> OpenSpan | None:
        """The open span of this id, which is alive: it is about to start another one."""
        with self._lock:
            known = self._spans.get(key)
            if known is None:
                return None
            self._spans[key] = known[0], self._clock(), known[2]
            self._spans.move_to_end(key)
            return known[0]

    def find(self, span_id: str | None) -> tuple[str, OpenSpan] | None:
        """The open span that has this id in its trace, and the framework's id of it."""
        key = self._keys.get(span_id) if span_id else None
        known = self._spans.get(key) if key else None
        return (key, known[0]) if key and known else None

    def amend(self, key: str, change: Callable[[OpenSpan], OpenSpan]) -> None:
        """Put another in the place of an open span; one that is not known is none to change."""
        with self._lock:
            if known := self._spans.get(key):
                changed = change(known[0])
                chars = changed.chars
                self._chars += chars - known[2]
                self._spans[key] = changed, known[1], chars
                self._give_up(self._clock())

    def left_in(self, key: str, *, failed: bool) -> list[str]:
        """What is over, though nobody told, now that a step around it ends: the framework's ids.

        Args:
            key: the framework's id of that step.
            failed: whether it ends with an error.
        """
        with self._lock:
            inside = [(each, self._spans[each][0].runner) for each in self.untold.get(key, ())]
        return [each for each, runner in inside if runner and runner.has_returned(failed=failed)]

    def left(self) -> list[str]:
        """What is over, though nobody told: the framework's ids."""
        with self._lock:
            untold = [(key, self._spans[key][0].runner) for keys in self.untold.values() for key in keys]
        return [key for key, runner in untold if runner and runner.is_gone]

    def all(self) -> list[str]:
        """Whatever is open, those that began first before the others: the framework's ids."""
        with self._lock:
            return sorted(self._spans, key=lambda key: self._spans[key][0].started_ns)

    def take(self, key: str) -> OpenSpan | None:
        """The span of this id, which is open no longer; ``None`` if it is not known."""
        with self._lock:
            return self._pop(key)

    def _pop(self, key: str) -> OpenSpan | None:
        known = self._spans.pop(key, None)
        if known is None:
            return None
        span = known[0]
        if span.context.span_id:
            self._keys.pop(span.context.span_id, None)
        if span.runner and (untold := self.untold.get(span.runner.inside)):
            untold.discard(key)
            if not untold:
                del self.untold[span.runner.inside]
        self._chars -= known[2]
        return span

    def _give_up(self, now: float) -> None:
        """Give up what is too old, or too much."""
        while self._is_too_much or self._oldest_s < now - self._max_age_s:
            key = next(iter(self._spans), None)
            self._oldest_s = now if key is None else self._spans[key][1]
            if key is not None and (self._is_too_much or self._oldest_s < now - self._max_age_s):
                self._pop(key)
                self.given_up += 1

    @property
    def _is_too_much(self) -> bool:
        return len(self._spans) > self._max_spans or self._chars > self._max_chars


def failed(
    error: BaseException, *, interrupts: tuple[type[BaseException], ...] = (), capture_content: bool = True
) -> tuple[dict[str, Attribute], Failure | None]:
    """Tell how a span ended that an exception ended.

    Args:
        error: the exception.
        interrupts: a framework's own exceptions that break a run off so that it can go on later.
        capture_content: whether the text of the exception may be told.

    Returns:
        Attributes of the span, and the failure if it is one.
    """
    if isinstance(error, interrupts):
        return {semconv.OUTCOME: "interrupted"}, None
    # A stream that its reader leaves is closed with GeneratorExit.
    if isinstance(error, (GeneratorExit, asyncio.CancelledError, KeyboardInterrupt)):
        return {semconv.OUTCOME: "cancelled"}, None
    failure = Failure.of(error, capture_content=capture_content)
    return {semconv.ERROR_TYPE: failure.type}, failure


def error_key(error: BaseException) -> str:
    """What an error is known again by, though a framework has made another class of it on its way.

    Two errors of the same text are two. One of another class and the same text that was raised from the first, or while
    it was handled, is the first.
    """
    try:
        own: dict[str, str] = vars(error)
        if _ERROR_KEY not in own:
            told = filter(None, (vars(each).get(_ERROR_KEY) for each in _origins(error)))
            own[_ERROR_KEY] = next(told, "") or new_span_id()
        return own[_ERROR_KEY]
    except Exception:  # noqa: BLE001 an error of the user's may do anything when it is looked at
        return new_span_id()  # such a one is not known again


def _origins(error: BaseException) -> Iterator[BaseException]:
    """What an error was made of."""
    seen, text = {id(error)}, _text(error)
    origin = error.__cause__ or error.__context__
    while origin is not None and id(origin) not in seen:
        seen.add(id(origin))
        if type(origin) is not type(error) and _text(origin) == text:
            yield origin
        origin = origin.__cause__ or origin.__context__


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 an error of the user's may have any text, and none
        return "(its text cannot be told)"


def _stack(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 as above
        return "".join(traceback.format_tb(BaseException.__getattribute__(error, "__traceback__")))


def _bounded(failures: tuple[tuple[str, Failure], ...]) -> tuple[tuple[str, Failure], ...]:
    """Failures with the texts of those that came last."""
    room, kept = MAX_INNER_CHARS, deque[tuple[str, Failure]]()
    for known, failure in reversed(failures):
        room -= failure.chars
        kept.appendleft((known, failure if room >= 0 else replace(failure, message="", stacktrace="")))
    return tuple(kept)


def captures_content(given: bool | None = None) -> bool:
    """Whether spans may hold inputs and outputs: as given, else yes unless OpenTelemetry's variable says ``false``."""
    if given is not None:
        return given
    return os.environ.get(_CONTENT_VARIABLE, "").strip().lower() not in {"false", "0"}
