"""The same questions to ``ChatOpenAI`` and to ``ChatPortkey``, on the same gateway and the same emulated OpenAI.

What ``ChatOpenAI`` says in an answer ``ChatPortkey`` says too, in the same place. It may say more, as it does of a
spoken answer in a stream. Ids differ with each call, and the names of providers and of error classes are their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import langchain_core.exceptions
import pytest
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import astream, invoke

OWN: Final = frozenset({"id", "model_provider", "expires_at", "created"})
"""Keys whose values are each one's own."""
KINDS: Final = tuple(
    getattr(langchain_core.exceptions, name) for name in dir(langchain_core.exceptions) if name.startswith("Model")
)

once_each = pytest.mark.parametrize("ask", [invoke, astream])
"""Sync and async, whole and streamed: where the four ways only meet."""


class Pair:
    """Both classes, each asked as if it were the only one."""

    def __init__(self, sandbox: Sandbox, model: str) -> None:
        self._sandbox = sandbox
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{sandbox.openai.url}/v1"}
        reached: Any = {"base_url": sandbox.base_url, "api_key": sandbox.openai_api_key, "default_headers": headers}
        # Its own client outlives the event loop of the call that opened its connections, and fails in the next.
        client = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0))
        more: Any = {**reached, "http_async_client": client}
        self._theirs = ChatOpenAI(model=model, max_retries=0, stream_usage=True, **more)
        self._ours = ChatPortkey(model=model, max_retries=0, **sandbox.options("openai"))

    def ask(self, question: Callable[[Any], Any], **reply: Any) -> tuple[Any, Any]:
        """Ask both; what they raise is what they answer. ``reply`` is what OpenAI says, if it is not to think."""
        return self._asked(self._theirs, question, reply), self._asked(self._ours, question, reply)

    @property
    def sent(self) -> dict[str, Any]:
        """What reached OpenAI of the latest question."""
        body: dict[str, Any] = self._sandbox.openai.requests[-1].body
        return body

    def _asked(self, model: Any, question: Callable[[Any], Any], reply: dict[str, Any]) -> Any:
        self._sandbox.openai.clear()
        if reply:
            self._sandbox.openai.reply_with(**reply)
        return question(model)


def plain(said: Any) -> Any:
    """What a message, a list of them or an object says, as JSON."""
    if isinstance(said, AIMessage):
        shown = said.model_dump(
            include={"content", "tool_calls", "usage_metadata", "additional_kwargs", "response_metadata"}
        )
        return {**shown, "blocks": [block for block in said.content_blocks if block["type"] != "audio"]}
    if isinstance(said, Mapping):
        return {name: plain(value) for name, value in said.items()}
    if isinstance(said, list):
        return [*map(plain, said)]
    return said.model_dump() if isinstance(said, BaseModel) else said


def check_says_as_much(pair: tuple[Any, Any]) -> Any:
    """Check that ours says all that theirs says; returns ours."""
    theirs, ours = pair
    assert lacking(plain(theirs), plain(ours), "") == []
    return ours


def lacking(theirs: Any, ours: Any, path: str) -> list[str]:
    """Name what theirs says and ours does not; nothing is said by ``None``, 0 and what is empty."""
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        said = {name: value for name, value in theirs.items() if name not in OWN and value}
        return [each for name, value in said.items() for each in lacking(value, ours.get(name), f"{path}.{name}")]
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return [
            each for at, pair in enumerate(zip(theirs, ours, strict=True)) for each in lacking(*pair, f"{path}[{at}]")
        ]
    return [] if theirs == ours else [f"{path}: {theirs!r:.200} is not {ours!r:.200}"]


def check_fail_alike(pair: tuple[Any, Any], status: int) -> None:
    """Check that ours is of every kind of LangChain's that theirs is, and tells the same status."""
    theirs, ours = pair
    assert [kind for kind in KINDS if isinstance(theirs, kind) and not isinstance(ours, kind)] == []
    assert (theirs.status_code, ours.status) == (status, status)
