"""What is asked for: texts, and how they are to be embedded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Required, TypeAlias, TypedDict

from portkey_gateway.errors import EncodingError

Kind: TypeAlias = Literal["document", "query"]
"""What the texts are: some models embed what is searched for otherwise than what is found."""
EncodingFormat: TypeAlias = Literal["float", "base64"]
"""How vectors travel; they are the same either way, to the 32 bits that the models give."""


class EmbeddingRequest(TypedDict, total=False):
    """Texts to embed. Further keys, such as ``user``, go into the body as they are."""

    model: Required[str]
    """The model's name, such as ``text-embedding-3-small``, or ``@slug/name`` from Portkey's model catalog."""
    input: Required[Sequence[str]]
    """The texts, none of them empty."""
    dimensions: int
    """How long the vectors shall be, where the model can shorten them."""
    encoding_format: EncodingFormat
    """How the vectors travel; the faster way that the provider knows, if nothing is said."""
    input_type: str
    """What the texts are, in the provider's words; told by the kind of the call, if nothing is said."""


def check_texts(texts: Any) -> list[str]:
    """Refuse what no provider embeds.

    Raises:
        EncodingError: naming the text by its place, counted from 0.
    """
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise EncodingError(f"the texts to embed must be a list of text; got {type(texts).__name__}")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise EncodingError(f"text {place} to embed is a {type(text).__name__}: give text")
        if not text:
            raise EncodingError(f"text {place} to embed is empty, which providers refuse: leave it out")
        if not text.isascii():
            _check_characters(text, place)
    return list(texts)


def _check_characters(text: str, place: int) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise EncodingError(
            f"text {place} to embed holds half a character, {text[error.start]!a} at its position {error.start}, which "
            "no request can carry: mend it where it was cut, or text.encode(errors='replace').decode()"
        ) from None
