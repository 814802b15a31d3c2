"""``CacheReport``: what a prompt cache read, wrote and saved, for each turn and model."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from portkey_gateway.caching import show
from portkey_gateway.caching.lookback import Sent, look_back
from portkey_gateway.caching.outline import Outline, outline
from portkey_gateway.caching.told import Told, read_answers
from portkey_gateway.caching.turns import Figures, Turn, add_up, count
from portkey_gateway.errors import warn

MAX_TURNS: Final = 10_000
"""Turns that are remembered one by one, the latest ones; sums go on."""
_MAX_SENT: Final = 32
_MISSES: Final = 2
"""How often nothing may be read, although it could have been, before a warning says so."""


class _Model:
    """What is known of one model's calls."""

    def __init__(self) -> None:
        self.figures = Figures()
        # The next request is compared with these; some 100 bytes for each block of theirs.
        self.sent: deque[Sent] = deque(maxlen=_MAX_SENT)
        self.misses = 0
        self.is_told = False


class CacheReport:
    """Takes account of answers: what was read from the prompt cache, written to it, and saved by it.

    Feed it answers of any model and framework with ``add``, or give ``portkey_langchain.CacheReport`` or
    ``portkey_llamaindex.CacheReport``, which are this and a callback handler of the framework's, to a model or a run.
    Safe to use from many threads.

    Money is in US dollars, by the prices of ``genai-prices`` (extra ``prices``); where a price is not known it is
    ``None``, and ``saved_share`` tells what Anthropic's published multipliers make of it: writing costs 1.25 times the
    price of input (2 times for an hour), reading a tenth.

    What could be read is what an earlier request had begun with too. Callbacks and ``add(answer, request)`` compare the
    requests themselves; of tokens within a request that is no beginning of the later one as a whole it is an estimate,
    by bytes. Without requests each answer is taken to go on where the last one of its model ended.

    Warns:
        PortkeyWarning: once for a model, if nothing is read; with the reason where it is known: too short for this
            model, a changed beginning, a time to live that is over, or nothing that was written.

    Args:
        clock: tells the time in seconds.

    Example:
        ```python
        report = CacheReport()
        for question in questions:
            report.add(model.invoke(question))
        report.print()
        ```
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._turns: deque[Turn] = deque(maxlen=MAX_TURNS)
        self._models: dict[str, _Model] = {}
        self.not_counted = 0
        """Answers that told no usage, and those of the gateway's response cache, for which no provider was asked."""

    def add(self, answer: Any, request: Mapping[str, Any] | None = None) -> None:
        """Take account of an answer, or of all in a list or in what an agent gave.

        Args:
            answer: an ``Answer``; LangChain's message; LlamaIndex's response, or its ``raw``.
            request: what it answers, as ``GatewayClient`` takes it.

        Raises:
            EncodingError: if it is no answer.
        """
        drawn = outline(request) if request is not None else None
        for told in read_answers(answer):
            self._add(told, drawn)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Copies of a model report to the same."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def _add(self, told: Told, drawn: Outline | None) -> None:
        usage = told.usage
        if usage is None or told.is_cached or not usage.input_tokens:
            with self._lock:
                self.not_counted += 1
            return
        with self._lock:
            model = self._models.setdefault(told.model, _Model())
            sent = Sent(self._clock(), usage, drawn)
            readable, missed = look_back(told.model, sent, model.sent)
            figures = count(usage, readable, told.prices)
            self._turns.append(Turn(told.model, figures, missed))
            model.figures = add_up((model.figures, figures))
            model.sent.append(sent)
            model.misses += missed is not None
            warns = missed is not None and model.misses >= _MISSES and not model.figures.read_tokens
            warns = warns and not model.is_told
            model.is_told = model.is_told or warns
        if warns:
            warn(f"nothing was read from the prompt cache in {model.figures.calls} calls of {told.model}: {missed}")

    # --- what it tells ----------------------------------------------------------------------------------------------

    @property
    def turns(self) -> list[Turn]:
        """The answers one by one, the latest ten thousand."""
        with self._lock:
            return list(self._turns)

    @property
    def models(self) -> dict[str, Figures]:
        """The sums by the model's name."""
        with self._lock:
            return {name: model.figures for name, model in self._models.items()}

    @property
    def total(self) -> Figures:
        """The sum of all."""
        return add_up(self.models.values())

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
        return {
            "currency": "USD",
            "total": self.total.to_dict(),
            "models": {name: figures.to_dict() for name, figures in self.models.items()},
            "turns": [turn.to_dict() for turn in self.turns],
            "not_counted": self.not_counted,
        }

    def print(self) -> None:
        """Print the sums, and the turns one by one."""
        sys.stdout.write(f"{self}\n")

    def plot(self, axes: Any = None) -> Any:
        """Plot tokens over turns, and the money saved so far (extra ``plot``).

        Args:
            axes: of matplotlib; by default those of a new figure.

        Returns:
            The axes.

        Raises:
            ImportError: if matplotlib is not installed.
        """
        return show.plot(self.turns, axes)

    def __str__(self) -> str:
        return show.render_text(self.models, self.total, self.turns)

    def _repr_html_(self) -> str:
        return show.render_html(self.models, self.total, self.turns)
