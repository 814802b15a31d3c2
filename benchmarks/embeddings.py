"""``python -m benchmarks.embeddings``: what embedding many texts costs on our side, beside httpx by hand.

Figures are CPU time of this process (user and system, all threads) for a thousand texts of 1536 dimensions; the mock
gateway answers from a process of its own. Contenders take turns; a ratio is taken within each round, then its median.
Whoever gets another vector than was sent ends the run.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import statistics
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.runner import BenchmarkProcess
from benchmarks.vectors import vector
from portkey_gateway import GatewayClient, GatewayOptions
from portkey_langchain import PortkeyEmbeddings
from portkey_llamaindex import PortkeyEmbedding

TEXTS: Final = [f"A sentence that stands in a document under the number {number}." for number in range(2_000)]
BATCH: Final = 200
"""Texts of one request."""
AT_ONCE: Final = 8
_MODEL: Final = "text-embedding-3-small"
_HEADERS: Final = {"authorization": "Bearer sk-not-a-secret", "x-portkey-provider": "openai"}
_TIMEOUT_S: Final = 60

Vectors = list[list[float]]


class WrongVectorsError(Exception):
    """A contender got something else than was sent: its figures mean nothing."""


class ByHand:
    """What a careful reader of OpenAI's reference would write with httpx."""

    def __init__(self, base_url: str, encoding_format: str) -> None:
        self._url = base_url + "/embeddings"
        self._format = encoding_format

    def __call__(self) -> Vectors:
        """Embed all texts, one batch after the other."""
        with httpx.Client(headers=_HEADERS, timeout=_TIMEOUT_S) as client:
            answers = [self._read(client.post(self._url, json=self._body(batch))) for batch in _batches()]
        return [vector for vectors in answers for vector in vectors]

    async def at_once(self) -> Vectors:
        """Embed all texts, some batches at the same time."""
        gate = asyncio.Semaphore(AT_ONCE)
        async with httpx.AsyncClient(headers=_HEADERS, timeout=_TIMEOUT_S) as client:

            async def ask(batch: list[str]) -> Vectors:
                async with gate:
                    return self._read(await client.post(self._url, json=self._body(batch)))

            return [vector for vectors in await asyncio.gather(*map(ask, _batches())) for vector in vectors]

    def _body(self, batch: list[str]) -> dict[str, Any]:
        return {"model": _MODEL, "input": batch, "encoding_format": self._format}

    def _read(self, response: httpx.Response) -> Vectors:
        items = sorted(response.raise_for_status().json()["data"], key=lambda item: item["index"])
        if self._format == "float":
            return [item["embedding"] for item in items]
        return [array("f", base64.b64decode(item["embedding"])).tolist() for item in items]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embeddings", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (default 5)")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="also write the table there")
    arguments = parser.parse_args()
    with BenchmarkProcess("benchmarks.mock_gateway") as gateway:
        table = render(measure(gateway.greeting, arguments.rounds))
    print(table)
    if arguments.markdown:
        arguments.markdown.write_text(table, encoding="utf-8")


def contenders(base_url: str) -> dict[str, dict[str, Callable[[], Vectors]]]:
    """Who embeds, by the way of embedding; the first of each is the one by hand in the same format."""
    options: dict[str, Any] = {"base_url": base_url, "provider": "openai", "provider_api_key": "sk-not-a-secret"}
    client = GatewayClient(GatewayOptions(**options))
    langchain = PortkeyEmbeddings(model=_MODEL, chunk_size=BATCH, max_concurrency=AT_ONCE, **options)
    llamaindex = PortkeyEmbedding(model=_MODEL, embed_batch_size=BATCH, num_workers=AT_ONCE, **options)
    found: dict[str, dict[str, Callable[[], Vectors]]] = {}
    for name, encoding in (("numbers", "float"), ("base64", "base64")):
        hand = ByHand(base_url, encoding)
        chain, index = (each.with_options(encoding_format=encoding) for each in (langchain, llamaindex))
        request: Any = {"model": _MODEL, "input": TEXTS, "encoding_format": encoding}
        found[f"{name}, one batch after the other"] = {
            "httpx by hand": hand,
            "`GatewayClient.embed`": lambda request=request: (
                client.embed(  # type: ignore[misc]  # a default
                    request, batch_size=BATCH, max_concurrency=1
                ).vectors
            ),
            "`PortkeyEmbeddings`": lambda chain=chain: chain.embed_documents(TEXTS, max_concurrency=1),  # type: ignore[misc]
            "`PortkeyEmbedding`": lambda index=index: index.get_text_embedding_batch(TEXTS),  # type: ignore[misc]
        }
        found[f"{name}, {AT_ONCE} at once, async"] = {
            "httpx by hand": lambda hand=hand: asyncio.run(hand.at_once()),  # type: ignore[misc]
            "`PortkeyEmbeddings`": lambda chain=chain: asyncio.run(chain.aembed_documents(TEXTS)),  # type: ignore[misc]
            "`PortkeyEmbedding`": lambda index=index: asyncio.run(index.aget_text_embedding_batch(TEXTS)),  # type: ignore[misc]
        }
    return found


def measure(base_url: str, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds for a thousand texts, by way and contender, one figure a round."""
    found = contenders(base_url)
    figures: dict[str, dict[str, list[float]]] = {way: {name: [] for name in of} for way, of in found.items()}
    for number in range(rounds + 1):
        for way, of in found.items():
            for name, embed in of.items():
                gc.collect()
                start_s = time.process_time()
                vectors = embed()
                seconds = time.process_time() - start_s
                _check(vectors, f"{name}, {way}")
                if number:  # the first one opens connections and warms caches
                    figures[way][name].append(1e6 * seconds / len(TEXTS))
    return figures


def render(figures: dict[str, dict[str, list[float]]]) -> str:
    """Render the medians, and the ratios to what is done by hand."""
    lines = ["| 1000 texts | ms | to httpx by hand |", "| --- | ---: | ---: |"]
    for way, of in figures.items():
        hand = next(iter(of.values()))
        for name, rounds in of.items():
            ratio = statistics.median(ours / theirs for ours, theirs in zip(rounds, hand, strict=True))
            lines.append(f"| {way}: {name} | {statistics.median(rounds):.1f} | {ratio:.2f} |")
    return "\n".join(lines) + "\n"


def _batches() -> list[list[str]]:
    return [TEXTS[start : start + BATCH] for start in range(0, len(TEXTS), BATCH)]


def _check(vectors: Vectors, who: str) -> None:
    if len(vectors) != len(TEXTS):
        raise WrongVectorsError(f"{who}: {len(vectors)} vectors for {len(TEXTS)} texts")
    for place in (0, 1, BATCH - 1, BATCH, len(TEXTS) - 1):
        if vectors[place] != vector(place % BATCH):
            raise WrongVectorsError(f"{who}: another vector at {place}")


if __name__ == "__main__":
    main()
