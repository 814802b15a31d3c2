"""Which modules a program reads: those of what it does. Each test asks in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

import pytest

from portkey_gateway.sandbox import SpanReceiver
from tests.life.asking import FORMATS

LANGCHAIN: Final = """
from portkey_langchain import ChatPortkey
model = ChatPortkey(**options)
said = [model.invoke("Hi").text, "".join(chunk.text for chunk in model.stream("Hi"))]
"""
LLAMAINDEX: Final = """
from portkey_llamaindex import Portkey
llm = Portkey(**options)
said = [llm.complete("Hi").text, "".join(chunk.delta for chunk in llm.stream_complete("Hi"))]
"""
OF_OTHER_USES: Final = [
    "portkey_gateway.embedding_call",
    "portkey_gateway.embeddings",
    "portkey_gateway.http.addresses",
    "portkey_gateway.http.fetch",
    "portkey_gateway.prompts.library",
    "portkey_gateway.sandbox",
    "portkey_gateway.tracing.spans",
    "portkey_gateway.tracing.steps",
    "portkey_gateway.tracing.watched",
]
"""What embeds, fetches media, knows prompts of the library or makes spans."""
OF_LANGCHAINS: Final = [
    "langchain_core.tools.base",
    "portkey_langchain.cache_report",
    "portkey_langchain.embeddings",
    "portkey_langchain.init",
    "portkey_langchain.prompt",
    "portkey_langchain.structured",
    "portkey_langchain.tracer",
]
OF_LLAMAINDEXS: Final = [
    "llama_index.core.agent",
    "portkey_llamaindex.cache_report",
    "portkey_llamaindex.embedding",
    "portkey_llamaindex.prompt",
    "portkey_llamaindex.spans",
    "portkey_llamaindex.tracer",
]


def read_by(program: str, options: Mapping[str, Any] | None = None, **environment: str) -> tuple[list[Any], set[str]]:
    """What a program said, and the modules that it has read when it is done."""
    code = (
        "import json, sys\noptions = json.loads(sys.argv[1])\nsaid = []\n"
        f"{program}\nprint(json.dumps([said, sorted(sys.modules)]))"
    )
    ended = subprocess.run(  # noqa: S603 our own program
        [sys.executable, "-c", code, json.dumps(options or {})],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**{name: value for name, value in os.environ.items() if not name.startswith("PORTKEY_")}, **environment},
    )
    assert ended.returncode == 0, ended.stderr
    said, names = json.loads(ended.stdout)
    return said, set(names)


@pytest.mark.parametrize("api_format", FORMATS)
@pytest.mark.parametrize(
    ("program", "unread"),
    [(LANGCHAIN, OF_LANGCHAINS), (LLAMAINDEX, OF_LLAMAINDEXS)],
    ids=["ChatPortkey", "Portkey"],
)
def test_who_asks_a_model_reads_nothing_of_other_uses(
    options: dict[str, Any], api_format: str, program: str, unread: list[str]
) -> None:
    said, names = read_by(program, {**options, "api_format": api_format})
    assert all(said)
    assert len(said) == 2
    assert not names & {*OF_OTHER_USES, *unread}


PACKAGES: Final = ["portkey_gateway", "portkey_gateway.sandbox", "portkey_langchain", "portkey_llamaindex"]


@pytest.mark.parametrize("package", PACKAGES)
def test_names_are_shown_before_they_are_read(package: str) -> None:
    said, _ = read_by(f"import {package} as room\nsaid = [[*room.__all__], dir(room)]")
    assert {*said[0]} <= {*said[1]}


@pytest.mark.parametrize("package", ["portkey_langchain", "portkey_llamaindex"])
def test_every_name_can_be_imported(package: str) -> None:
    said, _ = read_by(
        f"import {package}\nsaid = [type(getattr({package}, name)).__name__ for name in {package}.__all__]"
    )
    assert said
    assert "NoneType" not in said


@pytest.mark.parametrize("is_set_first", [True, False], ids=["before the import", "after it"])
def test_the_variable_of_traces_reads_the_tracer_with_the_first_run(is_set_first: bool) -> None:
    with SpanReceiver() as receiver:
        told = {
            "PORTKEY_TRACING": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint.removesuffix("/v1/traces"),
        }
        program = (
            "import portkey_langchain\nsaid = ['portkey_langchain.tracer' in sys.modules]\n"
            "import os; os.environ.update(options)\n"
            "from langchain_core.runnables import RunnableLambda\n"
            "RunnableLambda(str).with_config(run_name='a run').invoke(1)"
        )
        said, names = read_by(program, {} if is_set_first else told, **(told if is_set_first else {}))
        assert said == [False]
        assert "portkey_langchain.tracer" in names
        assert [span.name for span in receiver.spans] == ["a run"]
