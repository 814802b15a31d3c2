"""Whether a model is asked for a whole answer or for a stream, of which LangChain tells no callback."""

from __future__ import annotations

import functools
import sys
from types import CodeType, FrameType


def is_asked_whole() -> bool:
    """Whether the model's run that starts now is to give a whole answer, as far as its callers tell."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 the callback is called by the method that was asked
    whole, streamed = _codes()
    while frame is not None and frame.f_code not in streamed:
        if frame.f_code in whole:
            return True
        frame = frame.f_back
    return False


@functools.cache
def _codes() -> tuple[frozenset[CodeType], frozenset[CodeType]]:
    """What gives whole answers, and what gives streams."""
    # Here, since the older of them brings a whole reader of YAML along, for which no import of ours should wait.
    from langchain_core.language_models import BaseChatModel, BaseLLM  # noqa: PLC0415

    whole = (BaseChatModel.generate, BaseChatModel.agenerate, BaseLLM.generate, BaseLLM.agenerate)
    streamed = (BaseChatModel.stream, BaseChatModel.astream, BaseLLM.stream, BaseLLM.astream)
    return frozenset(method.__code__ for method in whole), frozenset(method.__code__ for method in streamed)
