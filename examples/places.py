"""Where the examples call: the hosted gateway where ``PORTKEY_API_KEY`` is set, else the sandbox on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from portkey_gateway.sandbox import CallLog, Sandbox, SpanReceiver, draw_trace

FACTS = [
    "The harbour of Kiel is twelve metres deep, and the largest ferries turn in it.",
    "Rye bread is baked for two hours, the first of them in a hot oven.",
    "The lighthouse of Bülk shows a light every three seconds.",
    "Sprats are smoked over beech and alder for five hours.",
]
QUESTION = "How deep is the harbour of Kiel?"


@dataclass(frozen=True, slots=True)
class Places:
    """The arguments of a model and of an embedding model, and where spans are sent to."""

    chat: dict[str, Any]
    embedding: dict[str, Any]
    log: CallLog
    """Notes the calls of an httpx client, so that they can be drawn."""
    receiver: SpanReceiver | None = None
    """A receiver on this machine; Portkey's own without one."""

    @property
    def spans(self) -> dict[str, Any]:
        """The arguments of ``PortkeyTracer`` and ``instrument``."""
        return {"endpoint": self.receiver.endpoint} if self.receiver else {}

    def show_trace(self) -> None:
        """Draw what was traced, or say where it is."""
        if self.receiver:
            print(draw_trace(self.receiver.spans, self.log.calls))
        else:
            print("The trace stands in Portkey, under Logs.")


@contextmanager
def places() -> Iterator[Places]:
    """Find them; what was started for it is stopped at the end."""
    if os.environ.get("PORTKEY_API_KEY"):
        chat = os.environ.get("PORTKEY_MODEL", "@anthropic/claude-sonnet-4-6")
        embedding = os.environ.get("PORTKEY_EMBEDDING_MODEL", "@openai/text-embedding-3-small")
        yield Places({"model": chat}, {"model": embedding}, CallLog())
        return
    with Sandbox(openai=True) as sandbox, SpanReceiver() as receiver:
        chat_options: Any = {"model": sandbox.model, **sandbox.options("anthropic")}
        embedding_options: Any = {"model": "text-embedding-3-small", **sandbox.options("openai")}
        yield Places(chat_options, embedding_options, CallLog(), receiver)
