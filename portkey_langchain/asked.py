"""Whether a model is asked for a whole answer or for a stream, of which LangChain tells no callback."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Final

from langchain_core.language_models import BaseChatModel, BaseLLM

_WHOLE: Final = frozenset(
    method.__code__ for method in (BaseChatModel.generate, BaseChatModel.agenerate, BaseLLM.generate, BaseLLM.agenerate)
)
_STREAMED: Final = frozenset(
    method.__code__ for method in (BaseChatModel.stream, BaseChatModel.astream, BaseLLM.stream, BaseLLM.astream)
)


def is_asked_whole() -> bool:
    """Whether the model's run that starts now is to give a whole answer, as far as its callers tell."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 the callback is called by the method that was asked
    while frame is not None and frame.f_code not in _STREAMED:
        if frame.f_code in _WHOLE:
            return True
        frame = frame.f_back
    return False
