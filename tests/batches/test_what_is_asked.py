"""What a batch is asked with: anything but a ``BatchModel`` around its framework's model is an error that names it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portkey_gateway.batch import MessageBatches, arun_batch, run_batch
from portkey_gateway.batch.on_ray import run_batch_on_ray
from portkey_langchain import ChatPortkey
from portkey_langchain.batch import BatchModel as OfLangChain
from portkey_llamaindex import Portkey
from portkey_llamaindex.batch import BatchModel as OfLlamaIndex

OPTIONS: Any = {"model": "claude-sonnet-4-6", "base_url": "http://127.0.0.1:1/v1"}
ROWS = [{"id": 1, "prompt": "Hi"}]


class Own(ChatPortkey):
    """A subclass of a user's."""


BATCHES: dict[str, Callable[[Any, Path], Any]] = {
    "run_batch": lambda model, path: run_batch(model, ROWS, path),
    "arun_batch": lambda model, path: asyncio.run(arun_batch(model, ROWS, path)),
    "run_batch_on_ray": lambda model, path: run_batch_on_ray(model, None, path),
    "MessageBatches": MessageBatches,
}


@pytest.mark.parametrize("ask", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize(
    ("model", "said"),
    [
        (functools.partial(ChatPortkey, **OPTIONS), r"not a ChatPortkey: .*, of portkey_langchain\.batch$"),
        (functools.partial(Own, **OPTIONS), r"not a Own: .*, of portkey_langchain\.batch$"),
        (functools.partial(Portkey, **OPTIONS), r"not a Portkey: .*, of portkey_llamaindex\.batch$"),
        (lambda: "claude", r"not a str: .*, of portkey_langchain\.batch or portkey_llamaindex\.batch$"),
    ],
)
def test_a_model_itself_is_none(ask: Any, model: Callable[[], Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=said):
        ask(model(), tmp_path / "out.jsonl")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("wrap", "model", "said"),
    [
        (OfLangChain, functools.partial(Portkey, **OPTIONS), r"not a Portkey; take .* of portkey_llamaindex\.batch"),
        (OfLangChain, str, r"takes a chat model or a chain of LangChain's, not a str$"),
        (
            OfLlamaIndex,
            functools.partial(ChatPortkey, **OPTIONS),
            r"not a ChatPortkey; take .* portkey_langchain\.batch",
        ),
        (OfLlamaIndex, str, r"takes an LLM of LlamaIndex's, not a str$"),
    ],
)
def test_another_framework_s_model_is_none(wrap: Any, model: Callable[[], Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        wrap(model(), prompt="text")
