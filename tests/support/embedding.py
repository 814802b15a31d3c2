"""A gateway that embeds without a network, as a test wants it to, and the two ways to ask it."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import httpx
import pytest

from portkey_gateway import GatewayClient, GatewayOptions
from portkey_gateway.embeddings.answer import Embeddings

MODEL: Final = "text-embedding-3-small"
Spoil = Callable[[dict[str, Any]], httpx.Response | dict[str, Any] | None]
"""Makes something else of the answer to a request, which it is given; ``None`` leaves it."""


def vector(text: str) -> list[float]:
    """The vector of a text: numbers that 32 bits hold."""
    return [float(len(text)), *(float(part) / 4 for part in text.encode()[-6:].rjust(6))]


class EmbeddingGateway:
    """Answers requests for vectors in OpenAI's schema.

    Attributes:
        requests: what came in.
        most_at_once: how many requests were under way at the same time.
    """

    def __init__(self, spoil: Spoil | None = None, *, wait_s: float = 0.0) -> None:
        self.requests: list[httpx.Request] = []
        self.most_at_once = 0
        self._at_once = 0
        self._spoil = spoil
        self._wait_s = wait_s
        self._lock = threading.Lock()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]

    @property
    def texts(self) -> list[list[str]]:
        """The texts of each request."""
        return [[body["input"]] if isinstance(body["input"], str) else body["input"] for body in self.bodies]

    def client(self, *, max_retries: int = 0, **options: Any) -> GatewayClient:
        """A client that asks it."""
        fields = {"base_url": "http://127.0.0.1:1/v1", "provider": "openai", "provider_api_key": "sk-of-the-test"}
        return GatewayClient(
            GatewayOptions(**{**fields, **options}),
            max_retries=max_retries,
            http_client=httpx.Client(transport=httpx.MockTransport(self._answer)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self._answer_async)),
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        with self._under_way(request):
            threading.Event().wait(self._wait_s)
            return self._response(request)

    async def _answer_async(self, request: httpx.Request) -> httpx.Response:
        with self._under_way(request):
            await asyncio.sleep(self._wait_s)
            return self._response(request)

    def _under_way(self, request: httpx.Request) -> _UnderWay:
        return _UnderWay(self, request)

    def enter(self, request: httpx.Request) -> None:
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)

    def leave(self) -> None:
        with self._lock:
            self._at_once -= 1

    def _response(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        with self._lock:
            spoilt = self._spoil(body) if self._spoil else None
        return spoilt if isinstance(spoilt, httpx.Response) else httpx.Response(200, json=spoilt or answer(body))


class _UnderWay:
    def __init__(self, gateway: EmbeddingGateway, request: httpx.Request) -> None:
        self._gateway = gateway
        self._request = request

    def __enter__(self) -> None:
        self._gateway.enter(self._request)

    def __exit__(self, *_: object) -> None:
        self._gateway.leave()


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """The right answer to a request."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    vectors = [vector(text) for text in texts]
    packed = body.get("encoding_format") == "base64"
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": place, "embedding": pack(each) if packed else each}
            for place, each in enumerate(vectors)
        ],
        "model": body["model"],
        "usage": {"prompt_tokens": 2 * len(texts), "total_tokens": 2 * len(texts)},
    }


def pack(numbers: Sequence[float]) -> str:
    """Numbers as OpenAI packs them."""
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def once(response: Callable[[], httpx.Response], text: str) -> Spoil:
    """Answer so the first request that holds a text."""
    left = [1]

    def spoil(body: dict[str, Any]) -> httpx.Response | None:
        return response() if text in body["input"] and left and left.pop() else None

    return spoil


class Embed(Protocol):
    """One way to embed."""

    def __call__(self, client: GatewayClient, texts: Any, **more: Any) -> Embeddings: ...


def embed(client: GatewayClient, texts: Any, **more: Any) -> Embeddings:
    return client.embed(_request(texts, more), **more)


def aembed(client: GatewayClient, texts: Any, **more: Any) -> Embeddings:
    return asyncio.run(client.aembed(_request(texts, more), **more))


def _request(texts: Any, more: dict[str, Any]) -> Any:
    dimensions = more.pop("dimensions", None)
    return {"model": MODEL, "input": texts, "dimensions": dimensions}


either_way = pytest.mark.parametrize("ask", [embed, aembed])
