"""Everything one emulated Claude remembers between requests."""

from dataclasses import dataclass, field

from portkey_gateway.sandbox.claude.cache_ledger import CacheLedger
from portkey_gateway.sandbox.claude.faults import Fault
from portkey_gateway.sandbox.claude.log import RequestLog
from portkey_gateway.sandbox.claude.match_queue import MatchQueue
from portkey_gateway.sandbox.claude.scripted import ScriptedReply


@dataclass(frozen=True, slots=True)
class ClaudeState:
    """The memory of one emulated Claude.

    Attributes:
        log: The latest requests.
        faults: Trouble that waits for requests.
        replies: Exact replies that wait for requests.
        ledger: What is cached.
    """

    log: RequestLog = field(default_factory=RequestLog)
    faults: MatchQueue[Fault] = field(default_factory=MatchQueue)
    replies: MatchQueue[ScriptedReply] = field(default_factory=MatchQueue)
    ledger: CacheLedger = field(default_factory=CacheLedger)

    def clear(self) -> None:
        """Forget everything."""
        self.log.clear()
        self.faults.clear()
        self.replies.clear()
        self.ledger.clear()
