"""Answers with something of another type in any one of their places: an answer or our error, for every caller."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage
from llama_index.core.llms import ChatMessage

from portkey_gateway import PortkeyError
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.faults.misshapen import EVENTS, WHOLE

ODD: Final[tuple[Any, ...]] = (
    None, -1, 10**30, float("inf"), "x", "\ud800", [], ["x"], [[]], {}, {"type": 1}, [{"type": "text", "text": 3}]
)  # fmt: skip
Path = tuple[str | int, ...]


def paths(value: Any, so_far: Path = ()) -> Iterator[Path]:
    """The way to everything that stands in a value, itself left out."""
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, inner in places:
        yield (*so_far, place)
        yield from paths(inner, (*so_far, place))


def with_odd(value: Any, path: Path, odd: Any) -> Any:
    """The same, with something else in one place."""
    changed = inner = copy.deepcopy(value)
    for place in path[:-1]:
        inner = inner[place]
    inner[path[-1]] = odd
    return changed


class Told:
    """A transport that answers with what it was told to."""

    def __init__(self) -> None:
        self.content = b""
        self.content_type = ""
        self.client = httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, _: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": self.content_type}, content=self.content)

    def tell(self, answer: Any) -> None:
        if isinstance(answer, list):
            self.content = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in answer)
            self.content_type = "text/event-stream"
        else:
            self.content, self.content_type = json.dumps(answer).encode(), "application/json"


def callers(told: Told, api_format: str) -> dict[str, Callable[[], object]]:
    options: dict[str, Any] = {
        "model": "claude-sonnet-4-5",
        "provider": "anthropic",
        "base_url": "http://gateway.test/v1",
        "api_format": api_format,
        "max_retries": 0,
        "http_client": told.client,
    }
    langchain, llamaindex = ChatPortkey(**options), Portkey(**options)

    def stream() -> object:
        chunks: list[AIMessageChunk] = []
        for chunk in langchain.stream([HumanMessage("Hi")]):
            chunks.append(chunk)
            _ = chunk.content_blocks
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole += chunk
        return whole.content_blocks

    return {
        "invoke": lambda: langchain.invoke([HumanMessage("Hi")]).content_blocks,
        "stream": stream,
        "chat": lambda: str(llamaindex.chat([ChatMessage("Hi")]).model_dump()),
        "stream_chat": lambda: [response.model_dump() for response in llamaindex.stream_chat([ChatMessage("Hi")])],
    }


@pytest.mark.filterwarnings("ignore::portkey_gateway.PortkeyWarning")
@pytest.mark.parametrize("caller", ["invoke", "stream", "chat", "stream_chat"])
@pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
@pytest.mark.parametrize("answers", [WHOLE, EVENTS], ids=["whole", "streamed"])
def test_whatever_stands_in_whichever_place_no_other_library_s_error_comes(
    answers: dict[str, Any], api_format: str, caller: str
) -> None:
    told, answer = Told(), answers[api_format]
    ask = callers(told, api_format)[caller]
    told.tell(answer)
    assert ask()

    for path in paths(answer):
        for odd in ODD:
            told.tell(with_odd(answer, path, odd))
            try:
                ask()
            except PortkeyError:
                pass
            except Exception as error:
                raise AssertionError(f"{odd!r} at {path}") from error
