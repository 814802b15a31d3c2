"""Which trace an answer, a message or a run belongs to, whatever the framework's class of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from portkey_gateway.errors import EncodingError

# Where the trace stands: ours, of embeddings too, and a run's own; LangChain's messages; LlamaIndex's responses, and
# what agents make of them; LlamaIndex's messages.
_PLACES: Final = ("trace_id", "info", "infos", "response_metadata", "raw", "additional_kwargs", "response", "message")
_KEYS: Final = ("trace_id", "run_id", "messages")
_MAX_DEPTH: Final = 4


def find_trace_id(of: Any) -> str:
    """Find the trace of whatever was answered.

    Args:
        of: the trace's id; an ``Answer``, LangChain's message or LlamaIndex's response or message of one;
            ``Embeddings``; what an agent gave, whose last message counts; an exception of a call; a run's id (as a
            ``UUID``; the root run's, whose digits are the trace's, unless the user chose a ``trace_id``), or the run
            itself.

    Raises:
        EncodingError: if it tells no trace.
    """
    if found := _find(of, _MAX_DEPTH):
        return found
    raise EncodingError(
        f"a {type(of).__name__} tells no trace: give a message or a response of our model as it came, or the trace id "
        "(response_metadata['trace_id'], raw['trace_id'], or the one that you chose)"
    )


def _find(of: Any, depth: int) -> str | None:
    if isinstance(of, str):
        return of.strip() or None
    if isinstance(of, UUID):
        return of.hex
    if of is None or not depth:
        return None
    if isinstance(of, Mapping):
        inner = [of.get(key) for key in _KEYS]
    elif isinstance(of, Sequence):
        inner = [each for each in reversed(of) if not isinstance(each, str)]
    else:
        inner = [
            value for place in _PLACES if not isinstance(value := getattr(of, place, None), str) or place == "trace_id"
        ]
    return next(filter(None, (_find(each, depth - 1) for each in inner)), None)
