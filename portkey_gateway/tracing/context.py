"""Trace and span ids, the tree of runs they come from, their headers, and the policy for metadata: pure."""

from __future__ import annotations

import json
import re
import secrets
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Generic

from pydantic_core import from_json, to_json
from typing_extensions import TypeVar

from portkey_gateway.errors import warn
from portkey_gateway.tracing.session import SESSION_LABEL, find_session

MAX_METADATA_VALUE_LENGTH: Final = 128
"""Characters of one metadata value that Portkey takes."""
MAX_METADATA_BYTES: Final = 8192
"""Bytes of the whole metadata header; Node caps all request headers together at 16 KB."""

MAX_RUNS: Final = 10_000
"""Runs a tree remembers, and as many that ended; some 400 bytes each, so 8 MB at the most."""
MAX_RUN_AGE_S: Final = 3600.0
"""Seconds after which a run that nobody ended, and that started no other run since, is forgotten."""

_TRACE_HEADER: Final = "x-portkey-trace-id"
_SPAN_HEADER: Final = "x-portkey-span-id"
_PARENT_HEADER: Final = "x-portkey-parent-span-id"
_NAME_HEADER: Final = "x-portkey-span-name"
_CUT_MARK: Final = "..."
_JSON: Final = json.JSONEncoder(separators=(",", ":"))
# What the frameworks note for themselves: lc_versions, ls_provider, langgraph_step, __pregel_…, llamaindex.run_id.
_INTERNAL_PREFIXES: Final = ("lc_", "ls_", "langgraph_", "llamaindex.", "checkpoint_", "__")
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where one call stands in its trace."""

    trace_id: str | None = None
    """The trace: 32 hexadecimal digits, or any text the user chose."""
    span_id: str | None = None
    """The call itself: 16 hexadecimal digits."""
    parent_span_id: str | None = None
    """What the call belongs to: 16 hexadecimal digits."""
    span_name: str | None = None
    """The call's name in the trace."""

    @property
    def traceparent(self) -> str | None:
        """The call in W3C Trace Context's form; ``None`` if one of the ids is not in that form."""
        told = f"00-{self.trace_id}-{self.span_id}-01"
        return told if _TRACEPARENT.fullmatch(told) else None

    def render_headers(self) -> dict[str, str]:
        """Render the ``x-portkey-*`` headers of what is set, and ``traceparent`` (W3C Trace Context, 3.2)."""
        headers: dict[str, str] = {}
        if self.trace_id and self.span_id and (traceparent := self.traceparent):
            headers = {_TRACE_HEADER: self.trace_id, _SPAN_HEADER: self.span_id, "traceparent": traceparent}
        else:
            if self.trace_id and (text := header_safe(self.trace_id)):
                headers[_TRACE_HEADER] = text
            if self.span_id and (text := header_safe(self.span_id)):
                headers[_SPAN_HEADER] = text
        if self.parent_span_id and (text := header_safe(self.parent_span_id)):
            headers[_PARENT_HEADER] = text
        if self.span_name and (text := header_safe(self.span_name)):
            headers[_NAME_HEADER] = text
        return headers


PlaceT = TypeVar("PlaceT", default=TraceContext)


class RunTree(Generic[PlaceT]):
    """Where each run of a framework stands, kept by run id from its start to its end, and for a while after.

    Safe to use from many threads. Runs that are never ended are forgotten after a time, or when there are too many.

    Args:
        max_runs: how many runs are remembered, and as many of those that ended.
        max_age_s: seconds after which a run is forgotten that was not heard of since, within a hundredth.
        clock: tells the time in seconds.
    """

    def __init__(
        self, *, max_runs: int = MAX_RUNS, max_age_s: float = MAX_RUN_AGE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_runs = max_runs
        self._max_age_s = max_age_s
        self._clock = clock
        self._runs: OrderedDict[Hashable, tuple[PlaceT, float]] = OrderedDict()
        self._ended: OrderedDict[Hashable, PlaceT] = OrderedDict()
        # No run is older, though the oldest may be younger by now.
        self._oldest_s = clock()
        # Held by whoever changes something: who looks needs none, since a run that ends is in one of both all the time.
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many runs are not over."""
        return len(self._runs)

    def start(self, run_id: Hashable, place: PlaceT) -> PlaceT:
        """Remember where a run stands, by the framework's id of it; returns that."""
        now = self._clock()
        with self._lock:
            self._runs[run_id] = place, now
            if len(self._runs) > self._max_runs or self._oldest_s < now - self._max_age_s:
                self._forget(now)
        return place

    def around(self, run_id: Hashable) -> PlaceT | None:
        """The place of a run in which something begins, also of one that ended lately: tasks outlive their runs."""
        known = self._runs.get(run_id)
        if known is None:
            return self._ended.get(run_id)
        # Whoever still starts runs is alive.
        if self._clock() - known[1] > self._max_age_s / 100:
            self._touch(run_id)
        return known[0]

    def get(self, run_id: Hashable) -> PlaceT | None:
        """The place of a run that was started and not yet ended."""
        known = self._runs.get(run_id)
        return known[0] if known else None

    def end(self, run_id: Hashable) -> None:
        """A run is over; one that is not known is none to end."""
        with self._lock:
            if known := self._runs.get(run_id):
                self._ended[run_id] = known[0]
                del self._runs[run_id]
                if len(self._ended) > self._max_runs:
                    self._ended.popitem(last=False)

    def forget(self, run_id: Hashable) -> None:
        """A run is over, and nothing can begin in it any more; one that is not known is none to forget."""
        with self._lock:
            self._runs.pop(run_id, None)

    def _touch(self, run_id: Hashable) -> None:
        with self._lock:
            if known := self._runs.get(run_id):
                self._runs[run_id] = known[0], self._clock()
                self._runs.move_to_end(run_id)

    def _forget(self, now: float) -> None:
        """Forget what is too old, or too much."""
        while self._runs:
            self._oldest_s = next(iter(self._runs.values()))[1]
            if len(self._runs) <= self._max_runs and self._oldest_s >= now - self._max_age_s:
                break
            self._runs.popitem(last=False)


def new_trace_id() -> str:
    """A random trace id: 32 hexadecimal digits, never all zero (W3C Trace Context, 3.2.2.3)."""
    return f"{1 + secrets.randbelow(2**128 - 1):032x}"


def new_span_id() -> str:
    """A random span id: 16 hexadecimal digits, never all zero (W3C Trace Context, 3.2.2.4)."""
    return f"{1 + secrets.randbelow(2**64 - 1):016x}"


def beside(trace: TraceContext) -> TraceContext:
    """Where a call stands that stands beside another, in a span of its own; the same place if that has none."""
    return replace(trace, span_id=new_span_id()) if trace.span_id else trace


def active_span() -> tuple[str, str] | None:
    """The ids of the active OpenTelemetry span and its trace; if nobody imported OpenTelemetry, there is none."""
    context, trace = sys.modules.get("opentelemetry.context"), sys.modules.get("opentelemetry.trace")
    if context is None or trace is None or not context.get_current():  # in which a span would be
        return None
    active = trace.get_current_span().get_span_context()
    return (f"{active.trace_id:032x}", f"{active.span_id:016x}") if active.is_valid else None


def in_active_span(root: TraceContext) -> TraceContext:
    """Let a root join the trace of an active OpenTelemetry span."""
    active = active_span()
    return TraceContext(active[0], root.span_id, active[1], root.span_name) if active else root


def header_safe(text: str) -> str:
    """Make a header's value of any text: control characters and what is not ASCII become ``?``, outer spaces go."""
    text = text.strip()
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if character.isascii() and character.isprintable() else "?" for character in text)


def cut_label(text: str) -> str:
    """The beginning of a label that is longer than Portkey takes, with a mark where it was cut."""
    return text[: MAX_METADATA_VALUE_LENGTH - len(_CUT_MARK)] + _CUT_MARK


def encode_metadata(metadata: Mapping[str, Any], keys: Collection[str] | None = None) -> str | None:
    """Encode metadata as the value of ``x-portkey-metadata``: a JSON object of strings, in ASCII.

    Text stays text, so does what JSON writes as text (dates, UUIDs), other scalars become text (``True`` → ``true``),
    nested values become JSON. ``None`` is left out, and so are the frameworks' internal keys (``lc_*``, ``ls_*``,
    ``langgraph_*``, ``llamaindex.*``, ``checkpoint_*``, ``__*``). ``user_id`` is also Portkey's ``_user``, and
    ``thread_id`` or ``conversation_id`` also ``session_id``, where none is given.

    A label never breaks a call: text over 128 characters, which is what Portkey takes, is cut and marked with ``...``;
    what JSON does not know, or does not fit into 8 KB any more, is left out; a warning tells.

    Args:
        metadata: the labels of a call.
        keys: the only ones to send, if given.

    Returns:
        The header's value, or ``None`` if there is nothing to send.
    """
    texts: dict[str, str] = {}
    for key, value in _completed(metadata).items():
        if value is None or key.startswith(_INTERNAL_PREFIXES) or (keys is not None and key not in keys):
            continue
        if type(value) is str and len(value) <= MAX_METADATA_VALUE_LENGTH:
            texts[key] = value
        elif (text := _metadata_text(key, value)) is not None:
            texts[key] = text
    if not texts:
        return None
    encoded = _encode(texts)
    return encoded if len(encoded) <= MAX_METADATA_BYTES else _encode(_fitting(texts))


def is_internal(key: str) -> bool:
    """Whether a key of metadata is one that a framework notes for itself."""
    return key.startswith(_INTERNAL_PREFIXES)


def _completed(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the user and the conversation by the names that Portkey has them under, where they are told by another."""
    completed: dict[str, Any] = {}
    if "_user" not in metadata and (user := metadata.get("user_id")) is not None:
        completed["_user"] = user
    if SESSION_LABEL not in metadata and (session := find_session(metadata)) is not None:
        completed[SESSION_LABEL] = session
    return {**metadata, **completed} if completed else metadata


def _encode(texts: Mapping[str, str]) -> str:
    try:
        encoded = to_json(texts)
    except ValueError:  # it does not know half a character
        encoded = b"\x7f"
    if encoded.isascii() and b"\x7f" not in encoded:
        return encoded.decode()
    # Python's writes everything beyond ASCII as \\uXXXX; DEL is ASCII, yet no header may hold it.
    return _JSON.encode(texts).replace("\x7f", "\\u007f")


def _fitting(texts: Mapping[str, str]) -> dict[str, str]:
    """The first of them, as many as the header has room for."""
    fitting: dict[str, str] = {}
    size = 1
    for key, text in texts.items():
        size += len(_encode({key: text})) - 1  # one brace is a comma here
        if size > MAX_METADATA_BYTES:
            warn(f"metadata[{key!r}] and what follows it exceed the {MAX_METADATA_BYTES} bytes of the header: left out")
            break
        fitting[key] = text
    return fitting


def _metadata_text(key: str, value: Any) -> str | None:
    if isinstance(value, str):
        text: str = value
    else:
        try:
            text = to_json(value).decode()
        except ValueError:
            warn(f"metadata[{key!r}] is a {type(value).__name__}, which JSON does not know: left out")
            return None
        # Dates and the like are texts in JSON.
        text = from_json(text) if text.startswith('"') else text
    if len(text) <= MAX_METADATA_VALUE_LENGTH:
        return text
    warn(
        f"metadata[{key!r}] has {len(text)} characters; Portkey takes {MAX_METADATA_VALUE_LENGTH}, the rest is cut off"
    )
    return cut_label(text)
