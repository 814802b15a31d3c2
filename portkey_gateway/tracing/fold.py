"""Steps that nobody would name, folded into the one around them: they have no span, and what they tell is not lost."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from portkey_gateway.tracing.spans import MAX_OPEN_SPANS

Detail: TypeAlias = Literal["named", "all"]
"""Which steps have spans: those that a person would name, or all that a framework tells of."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is folded."""

    name: str
    around: str | None
    """The framework's id of the step around it, which may be folded itself."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What it tells those inside it of themselves."""


class FoldedSteps:
    """The folded steps that are not over, by the framework's id. Safe to use from many threads; bounded.

    Args:
        max_steps: how many are remembered, those that began last.
    """

    def __init__(self, max_steps: int = MAX_OPEN_SPANS) -> None:
        self._steps: OrderedDict[str, Step] = OrderedDict()
        self._max_steps: Final = max_steps
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many are not over."""
        return len(self._steps)

    def __contains__(self, key: str) -> bool:
        """Whether one of this id is not over."""
        return key in self._steps

    def add(self, key: str, step: Step) -> None:
        """A step begins."""
        with self._lock:
            self._steps[key] = step
            if len(self._steps) > self._max_steps:
                self._steps.popitem(last=False)

    def take(self, key: str) -> Step | None:
        """A step is over; ``None`` if it is none of these."""
        return self._steps.pop(key, None)

    def unfold(self, key: str | None) -> tuple[str | None, Mapping[str, Any]]:
        """What a step is folded into, and what those between tell; a step that is not folded stands for itself."""
        told: Mapping[str, Any] = {}
        while key is not None and (step := self._steps.get(key)):
            key = step.around
            # The innermost knows best.
            told = {**step.attributes, **told}
        return key, told
