"""How providers refuse a request that holds too much: too many texts, or too many tokens. Pure.

They say so in words alone, with a status that says nothing. The words are those that users met, from the issues of
projects that embed by these providers: ``test_too_large`` has each with its place.
"""

from __future__ import annotations

import re
from enum import Enum
from http import HTTPStatus
from typing import Final

from portkey_gateway.errors import PortkeyError


class TooLarge(Enum):
    """What there is too much of."""

    TEXTS = "texts"
    SIZE = "size"


# Azure OpenAI and Mistral; Cohere; OpenAI; Gemini; Vertex AI, in two ways; Dashscope, SiliconFlow and servers of open
# models; Jina.
_TOO_MANY_TEXTS: Final = re.compile(
    r"too many inputs|number of texts|array too long|requests can be in one batch|allowed per prediction"
    r"|too many instances|batch[ _]?size|input length is larger than the largest allowed size",
    re.IGNORECASE,
)
# Mistral, in two ways; OpenAI, in two ways; Voyage; Vertex AI; Gemini.
_TOO_MANY_TOKENS: Final = re.compile(
    r"too many tokens|tokens per request|max_tokens_per_request|tokens per submitted batch"
    r"|input token count is \d+ but (?:the )?model supports|payload size exceeds",
    re.IGNORECASE,
)
_REFUSED: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


def too_large(error: Exception) -> TooLarge | None:
    """Tell what a provider finds too much in a request; ``None`` if it failed for another reason."""
    if not isinstance(error, PortkeyError):
        return None
    if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLarge.SIZE
    if error.status not in _REFUSED:
        return None
    if _TOO_MANY_TEXTS.search(error.message):
        return TooLarge.TEXTS
    return TooLarge.SIZE if _TOO_MANY_TOKENS.search(error.message) else None
