"""What can go wrong between a client and a provider, as a test orders it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

FaultKind = Literal[
    "status",
    "error_mid_stream",
    "cut",
    "truncate",
    "garbage_event",
    "stall",
    "slow",
    "split_bytes",
    "html",
    "broken_json",
]

MAX_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble for the next requests.

    A whole (not streamed) answer is one piece. There `error_mid_stream` becomes the error's HTTP status, `truncate`,
    `garbage_event` and `broken_json` send its first half as if it were all, and `cut` drops the connection after it.

    Attributes:
        kind: `status` answers with an error; `error_mid_stream` sends an `error` event after `after` events; `cut`
            drops the connection there; `truncate` ends the body there properly; `garbage_event` puts an event there
            that is not JSON; `stall` is silent there for `seconds`; `slow` waits `seconds` before each event;
            `split_bytes` sends the body in pieces of `size` bytes; `html` answers 200 with a web page;
            `broken_json` sends half of a JSON body, or ends a stream inside an event's JSON after `after` events.
        status: The HTTP status of `status`; for `error_mid_stream` it chooses the error's type.
        error_type: The provider's name for the kind of error; by default the one that belongs to the status.
        message: The error's message.
        headers: Further response headers of `status`, such as `retry-after`.
        after: How many events go out before the trouble.
        seconds: How long `stall` and `slow` wait, `MAX_WAIT_S` at most.
        size: The size of a piece in bytes.
        times: How many requests meet this fault.
        match: Only requests whose body contains this text meet it.

    Raises:
        ValueError: The kind is not known, or a figure is out of range.
    """

    kind: FaultKind
    status: int = 529
    error_type: str | None = None
    message: str = "Overloaded"
    headers: Mapping[str, str] = field(default_factory=dict)
    after: int = 3
    seconds: float = 0.05
    size: int = 1
    times: int = 1
    match: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"unknown fault kind {self.kind!r}: choose one of {', '.join(get_args(FaultKind))}")
        if not 0 <= self.seconds <= MAX_WAIT_S:
            raise ValueError(f"seconds must lie between 0 and {MAX_WAIT_S:g}, not {self.seconds!r}")
        if self.size < 1 or self.times < 1 or self.after < 0:
            raise ValueError("size and times must be at least 1, after at least 0")
