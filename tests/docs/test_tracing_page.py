"""The page about traces names every attribute that a span may have, and its code runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

import portkey_langchain
import portkey_llamaindex
from portkey_gateway.sandbox import SpanReceiver
from portkey_gateway.tracing import openinference, semconv
from tests.docs.blocks import ROOT, run_blocks

PAGE = ROOT / "docs" / "tracing.md"


def test_every_attribute_stands_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = [
        value
        for module in (semconv, openinference)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and "." in value and not name.startswith("_")
    ]
    names += [*openinference._SAME.values(), *openinference._MIME_TYPES.values()]
    assert len(names) > 60
    missing = [
        name for name in names if f"`{name}`" not in page and f"`….{name.removeprefix('gen_ai.request.')}`" not in page
    ]
    assert missing == []


def test_every_block_runs_and_the_receiver_gets_the_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    for package, name in ((portkey_langchain, "PortkeyTracer"), (portkey_llamaindex, "instrument")):
        monkeypatch.setattr(package, name, partial(_noted, getattr(package, name), made))
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-docs")
    with SpanReceiver() as receiver:
        # The viewer of the page, and Portkey, which is not asked.
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", receiver.endpoint)
        names = {"chain": RunnableLambda(str.upper).with_config(run_name="shout")}
        run_blocks("docs/tracing.md", names, instead={"http://localhost:6006/v1/traces": receiver.endpoint})
        assert len(made) >= 4
        for exporter in made:
            exporter.close()
        assert [span.name for span in receiver.spans] == ["shout"]


def _noted(make: Callable[..., Any], made: list[Any], **options: Any) -> Any:
    made.append(make(**options))
    return made[-1]
