"""The routes beside chats and embeddings: what is asked of them, and how their answers are read. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from pydantic_core import from_json

from portkey_gateway.error_bodies import decode_not_an_answer
from portkey_gateway.errors import (
    BadRequestError,
    EncodingError,
    GatewayFailureError,
    NotFoundError,
    PortkeyStatusError,
)
from portkey_gateway.info import GatewayInfo
from portkey_gateway.models.facts import ModelFacts, find_facts

NO_TOKEN_COUNT: Final = (NotFoundError, GatewayFailureError, BadRequestError, EncodingError)
"""How a count of tokens fails where there is none: where the gateway has none for a provider it does not say so
(1.15.2), and parts of a conversation may be such that Claude refuses them."""
_MODELS: Final = "/models"
_NOT_THERE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
_MOST_OF_A_PAGE: Final = 1000
# What each provider calls the list itself, and where its next page begins, in the answer and in the question.
_LISTS: Final = ("data", "models")
_NEXT: Final = {"last_id": "after_id", "nextPageToken": "pageToken", "next_page_token": "page_token"}


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model that can be called."""

    id: str
    """The name to call it by."""
    raw: dict[str, Any] = field(repr=False)
    """All that is said of it, in the words of whoever lists it."""

    @property
    def facts(self) -> ModelFacts:
        """What is known of it by its name."""
        return find_facts(self.id)


class Listing:
    """A list of models that comes in pages: what is there so far, and where the next page is.

    OpenAI's form and that of Portkey's catalog are read, Anthropic's, Google's and Cohere's.

    Args:
        provider: who is asked, where the options name one.
    """

    def __init__(self, provider: str | None) -> None:
        self.models: list[ListedModel] = []
        # More than its twenty at once is Anthropic's own wish; others have no pages, or their own.
        self.path: str | None = f"{_MODELS}?limit={_MOST_OF_A_PAGE}" if provider == "anthropic" else _MODELS
        self._asked: set[str | None] = {self.path}
        self._who = provider or "the gateway"

    def read(self, content: bytes, info: GatewayInfo) -> None:
        """Read a page.

        Raises:
            InvalidResponseError: if it is none, or leads back to one that was read.
        """
        page = read_object(content)
        entries = next((page[name] for name in _LISTS if isinstance(page.get(name), list)), None)
        if entries is None:
            raise decode_not_an_answer(content, info, f"{self._who} answered with no list of models")
        named = [(each.get("id") or each.get("name"), each) for each in entries if isinstance(each, dict)]
        self.models += [ListedModel(str(name).removeprefix("models/"), each) for name, each in named if name]
        following = {asked: page[told] for told, asked in _NEXT.items() if page.get(told)}
        goes_on = bool(entries and following) and page.get("has_more", True)
        self.path = f"{_MODELS}?{urlencode({'limit': _MOST_OF_A_PAGE, **following})}" if goes_on else None
        if self.path in self._asked:
            raise decode_not_an_answer(content, info, f"{self._who} lists the same models again and again")
        self._asked.add(self.path)

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        """Say of an error that the route is not there, if that is what it means."""
        with _explaining(f"{self._who} lists no models at this base_url"):
            yield


def explaining_feedback() -> contextlib.AbstractContextManager[None]:
    """Say of an error that there is no feedback, as where the open-source gateway asks the provider."""
    return _explaining("feedback is the hosted gateway's, or an enterprise gateway's: this base_url has none")


@contextlib.contextmanager
def _explaining(missing: str) -> Iterator[None]:
    try:
        yield
    except PortkeyStatusError as error:
        if error.status in _NOT_THERE:
            error.message += f"; {missing}"
            error.args = (error.message,)
        raise


def feedback_body(trace_id: str, value: int, weight: float, metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """What rates a trace.

    Raises:
        EncodingError: if value or weight is out of range.
    """
    if not -10 <= value <= 10:  # noqa: PLR2004 the range that Portkey documents
        raise EncodingError(f"feedback value must be from -10 to 10; got {value!r}")
    if not 0 <= weight <= 1:
        raise EncodingError(f"feedback weight must be from 0 to 1; got {weight!r}")
    body: dict[str, Any] = {"trace_id": trace_id, "value": value, "weight": weight}
    return {**body, "metadata": dict(metadata)} if metadata else body


def read_token_count(content: bytes, info: GatewayInfo) -> int:
    """Read how many tokens were counted.

    Raises:
        InvalidResponseError: if no count came.
    """
    count = read_object(content).get("input_tokens")
    if not isinstance(count, int):
        raise decode_not_an_answer(content, info)
    return count


def read_receipt(content: bytes, info: GatewayInfo) -> None:
    """Read that something was taken.

    Raises:
        InvalidResponseError: if it was not.
    """
    receipt = read_object(content)
    if not receipt or "error" in receipt:
        raise decode_not_an_answer(content, info)


def read_object(content: bytes) -> dict[str, Any]:
    """Read a JSON object; an empty one if it is none."""
    with contextlib.suppress(ValueError):
        if isinstance(parsed := from_json(content), dict):
            return parsed
    return {}
