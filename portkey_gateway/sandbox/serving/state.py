"""What every emulated provider remembers between requests."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from portkey_gateway.sandbox.serving.faults import Fault
from portkey_gateway.sandbox.serving.log import RequestLog
from portkey_gateway.sandbox.serving.match_queue import MatchQueue
from portkey_gateway.sandbox.serving.trouble import Trouble, Wording

ReplyT = TypeVar("ReplyT")


@dataclass(frozen=True, slots=True)
class ScriptedReply(Generic[ReplyT]):
    """A reply that waits for its request.

    Attributes:
        reply: What is answered; no limit of the request shortens it.
        times: How many requests get it.
        match: Only requests whose body contains this text get it.

    Raises:
        ValueError: `times` is below 1.
    """

    reply: ReplyT
    times: int = 1
    match: str | None = None

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError("times must be at least 1")


class ProviderState(Generic[ReplyT]):
    """The memory of one emulated provider.

    Args:
        wording: How the provider tells of a failure.
        script: Writes the reply that an order describes.

    Attributes:
        log: The latest requests.
        faults: Trouble that waits for requests.
        replies: Exact replies that wait for requests.
    """

    def __init__(self, wording: Wording, script: Callable[..., ScriptedReply[ReplyT]]) -> None:
        self.log = RequestLog()
        self.faults: MatchQueue[Trouble] = MatchQueue()
        self.replies: MatchQueue[ScriptedReply[ReplyT]] = MatchQueue()
        self._wording = wording
        self._script = script

    def inject(self, fault: Fault) -> None:
        """Queue trouble for the next matching requests."""
        self.faults.put(Trouble(fault, self._wording))

    def reply_with(self, *arguments: Any, **options: Any) -> None:
        """Queue an exact reply for the next matching requests, written by the provider's `script`.

        Raises:
            TypeError: There is no such argument.
            ValueError: The provider never answers so.
        """
        self.replies.put(self._script(*arguments, **options))

    def clear(self) -> None:
        """Forget everything."""
        self.log.clear()
        self.faults.clear()
        self.replies.clear()
