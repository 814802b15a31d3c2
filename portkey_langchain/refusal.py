"""That a model refused: LangChain's standard block of it, and the error where an object was wanted.

LangChain's own types for both came with langchain-core 1.7.5; before that the block is a plain mapping of that form.
"""

from __future__ import annotations

from typing import Any, Final

from langchain_core import exceptions
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage

REFUSALS: Final = frozenset({"refusal", "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST"})
"""Stop reasons that are refusals: Anthropic's, and those that LangChain reads so of Gemini."""

MODEL_REFUSAL_ERROR: Final[Any] = getattr(exceptions, "ModelRefusalError", None)
"""LangChain's error of a refusal; ``None`` where it has none yet."""


def refusal_block(message: AIMessage) -> dict[str, Any] | None:
    """Build the block that tells of a refusal, with its reason and category where the provider names them.

    Args:
        message: an answer, or the last chunk of one. OpenAI says in words that it refuses, Anthropic by the stop reason
            and, over ``messages``, in ``stop_details``.

    Returns:
        The block, or ``None`` if the model did not refuse, or its content holds the block already.
    """
    said, metadata = message.additional_kwargs.get("refusal"), message.response_metadata
    if not said and metadata.get("stop_reason") not in REFUSALS:
        return None
    if any(isinstance(block, dict) and block.get("type") == "refusal" for block in message.content):
        return None
    told = metadata.get("stop_details")
    details = told if isinstance(told, dict) else {}
    block = {"type": "refusal", "refusal": said or details.get("explanation") or ""}
    return {**block, "extras": {"category": details["category"]}} if details.get("category") else block


def keep_refusal(message: AIMessage | None) -> None:
    """Put the block of a refusal into an answer whose content is in LangChain's standard blocks.

    Args:
        message: the answer, once it is whole; it is changed.
    """
    if message is not None and (block := refusal_block(message)):
        said = message.content if isinstance(message.content, list) else []
        message.content = [*said, block]


_KINDS: Final[tuple[Any, ...]] = (OutputParserException, *([MODEL_REFUSAL_ERROR] if MODEL_REFUSAL_ERROR else []))
_DOC: Final = "The model refused to give an object: LangChain's error of a parser and, where it has one, of a refusal."
RefusedError: Final[Any] = type("RefusedError", _KINDS, {"__module__": __name__, "__doc__": _DOC})


def refused_error(text: str, message: AIMessage) -> OutputParserException:
    """Build the error of an answer that holds no object since the model refused.

    Args:
        text: what to say.
        message: the answer; the error keeps it as ``raw_message``, as LangChain's does.
    """
    error: OutputParserException = RefusedError(text, llm_output=message.text)
    vars(error)["raw_message"] = message
    return error
