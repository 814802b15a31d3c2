"""How a batch runs: what may be said of it, and what holds where nothing is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict, cast

from portkey_gateway.batch.limits import Limits


class BatchOptions(TypedDict, total=False):
    """The options of a batch; each may be left out."""

    max_concurrency: int
    """How many rows are asked at the same time: 16 by default."""
    limits: Limits | None
    """Requests and tokens a minute; may be shared by several batches. By default there is no limit."""
    retries: int
    """How often a row is asked again that failed with what may pass, after the model's own ``max_retries``: 4 times by
    default, half a minute together. What may have been charged is not asked again (``docs/reliability.md``)."""
    retry_failed: bool
    """Ask again what failed in an earlier run."""
    stop_after_failures: int | None
    """How many rows may fail one after the other before the batch ends: 50 by default; ``None`` for any number."""
    id_column: str
    """Where the id stands in a row: ``id`` by default."""
    name: str | None
    """Of the batch: the label ``batch`` of its calls; by default the name of the results."""
    trace_id: str | None
    """The trace of all calls; by default that of the results, else of an active OpenTelemetry span, else a new one."""
    progress: bool
    """Show a bar (extra ``batch``)."""
    total: int | None
    """How many rows there are, for the bar, where the rows themselves do not say."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The same, complete.

    Raises:
        ValueError: if a figure is out of range.
        TypeError: if there is no such option.
    """

    max_concurrency: int = 16
    limits: Limits | None = None
    retries: int = 4
    retry_failed: bool = False
    stop_after_failures: int | None = 50
    id_column: str = "id"
    name: str | None = None
    trace_id: str | None = None
    progress: bool = False
    total: int | None = None

    def __post_init__(self) -> None:
        least = {"max_concurrency": 1, "retries": 0, "stop_after_failures": 1}
        for name, lowest in least.items():
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise ValueError(f"{name}={value}: it has to be {lowest} or more")

    def as_options(self) -> BatchOptions:
        """The same, as they are said."""
        options: Any = {name: getattr(self, name) for name in self.__slots__}
        return cast("BatchOptions", options)
