"""No framework and no SDK: httpx and the wire's own JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

# The limits of ChatPortkey and of OpenAI's SDK: with httpx's own, 80 of 100 calls at once would open connections anew.
_LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
_HEADERS = {
    "authorization": "Bearer sk-ant-not-a-secret",
    "x-portkey-provider": "anthropic",
    "x-portkey-strict-open-ai-compliance": "false",
}


class RawHttpx:
    """What a careful reader of the wire's documentation would write by hand."""

    path = "/chat/completions"

    def __init__(self, base_url: str, answer_tokens: int) -> None:
        self._url = base_url + self.path
        self._parameters = {"model": "claude-sonnet-4-5", "max_tokens": answer_tokens}
        self._client = httpx.Client(headers=_HEADERS, limits=_LIMITS)
        self._async_client = httpx.AsyncClient(headers=_HEADERS, limits=_LIMITS)

    def prepare(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the body of a request."""
        return {**self._parameters, "messages": messages}

    def invoke(self, body: dict[str, Any]) -> str:
        """Return a whole answer's text."""
        return self.text(self._client.post(self._url, json=body))

    async def ainvoke(self, body: dict[str, Any]) -> str:
        """Async twin of ``invoke``."""
        return self.text(await self._async_client.post(self._url, json=body))

    def stream(self, body: dict[str, Any]) -> Iterator[str]:
        """Yield the text that each chunk adds."""
        with self._client.stream("POST", self._url, json={**body, "stream": True}) as response:
            for line in response.iter_lines():
                yield self.chunk_text(line)

    async def astream(self, body: dict[str, Any]) -> AsyncIterator[str]:
        """Async twin of ``stream``."""
        async with self._async_client.stream("POST", self._url, json={**body, "stream": True}) as response:
            async for line in response.aiter_lines():
                yield self.chunk_text(line)

    @staticmethod
    def text(response: httpx.Response) -> str:
        """The text of a whole answer."""
        text: str = response.raise_for_status().json()["choices"][0]["message"]["content"]
        return text

    @staticmethod
    def chunk_text(line: str) -> str:
        """The text that a line of a stream adds."""
        if not line.startswith("data: {"):
            return ""
        text: str | None = json.loads(line[6:])["choices"][0]["delta"].get("content")
        return text or ""


def make(base_url: str, answer_tokens: int) -> RawHttpx:
    """Return the contender."""
    return RawHttpx(base_url, answer_tokens)
