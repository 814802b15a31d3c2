"""The examples of retrieval, run on the sandbox: the answer, and one trace over embeddings and answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from examples import rag_langchain, rag_llamaindex
from examples.places import FACTS


def run(main: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)
    main()
    return capsys.readouterr().out


def test_langchain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(rag_langchain.main, monkeypatch, capsys)
    told, _, tree = shown.partition("PortkeyEmbeddings  [through the gateway]\n")
    assert FACTS[0] in told
    assert FACTS[1] not in told
    # The rest is one trace: the retriever with its embedding, and the answer.
    lines = tree.splitlines()
    assert lines[0] == "ask about facts"
    assert all(line.startswith(("├", "└", "│", " ")) for line in lines[1:])
    retrieval = next(place for place, line in enumerate(lines) if "retrieval VectorStoreRetriever" in line)
    assert "embeddings text-embedding-3-small" in lines[retrieval + 1]
    assert any("chat claude" in line for line in lines)


def test_llamaindex(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(rag_llamaindex.main, monkeypatch, capsys)
    assert FACTS[0] in shown
    assert FACTS[1] not in shown
    _, _, tree = shown.partition("RetrieverQueryEngine.query\n")
    lines = tree.splitlines()
    assert all(line.startswith(("├", "└", "│", " ")) for line in lines)
    retrieval = next(place for place, line in enumerate(lines) if "retrieval VectorIndexRetriever" in line)
    assert "embeddings text-embedding-3-small" in lines[retrieval + 1]
    assert any("chat claude" in line for line in lines)
