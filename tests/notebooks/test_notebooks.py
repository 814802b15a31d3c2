"""Every notebook runs, with and without a key, and shows what is committed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.notebooks.execute import METADATA, execute, list_notebooks, read

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from portkey_gateway.sandbox import Sandbox

ROUTING, PROMPTS = "04_routing_and_fallbacks", "06_prompts_and_feedback"
MIGRATING = "09_from_chat_openai"
ON_THEIR_OWN_SANDBOX = {ROUTING, PROMPTS, MIGRATING}
"""They break providers on purpose, or look at what reached them, which nobody can do to the real ones."""

each_notebook = pytest.mark.parametrize("path", list_notebooks(), ids=lambda path: path.stem)


def code_cells(notebook: NotebookNode) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(notebook: NotebookNode) -> dict[str, list[str]]:
    """By cell id, what a reader sees under the cell. Of an image only that it is there: its bytes vary with zlib."""
    return {cell.id: [describe(output) for output in cell.outputs] for cell in code_cells(notebook)}


def describe(output: Any) -> str:
    if output.output_type == "stream":
        # Of a bar how far it is, not what fills it: that is a block or a hash sign by tqdm's release.
        return f"{output.name}: {output.text.replace('█', '#')}"
    return str(output.data.get("text/plain") or sorted(output.data))


def test_there_is_a_notebook_for_each_framework_and_for_what_both_share() -> None:
    assert [path.stem for path in list_notebooks()] == [
        "01_langchain",
        "02_llamaindex",
        "03_traces",
        ROUTING,
        "05_prompt_caching",
        PROMPTS,
        "07_vision_and_documents",
        "08_agents_and_objects",
        MIGRATING,
        "10_many_prompts",
    ]


@each_notebook
def test_it_shows_what_is_committed(path: Path) -> None:
    assert shown(execute(path)) == shown(read(path)), "run `make notebooks` and look at the difference"


@each_notebook
def test_it_shows_the_same_with_a_key(path: Path, sandbox: Sandbox, portkey_sandbox_with_openai: Sandbox) -> None:
    embedding = portkey_sandbox_with_openai.target("openai", model="text-embedding-3-small")
    variables = {
        **sandbox.env(),
        "PORTKEY_API_KEY": "pk-test",
        "PORTKEY_MODEL": sandbox.model,
        "PORTKEY_EMBEDDING_MODEL": "text-embedding-3-small",
        "PORTKEY_EMBEDDING_CONFIG": json.dumps(embedding),
    }

    fresh = execute(path, variables)

    assert shown(fresh) == shown(read(path))
    if path.stem in ON_THEIR_OWN_SANDBOX:
        assert not sandbox.claude.requests
    else:
        assert len(sandbox.claude.requests) > 10, "the calls went to another gateway than the environment's"


@each_notebook
def test_what_is_committed_was_executed_once_in_order(path: Path) -> None:
    cells = code_cells(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells if "print(" in cell.source)


@each_notebook
def test_what_is_committed_tells_nothing_of_a_machine(path: Path) -> None:
    notebook = read(path)
    outputs = str(shown(notebook))

    assert notebook.metadata == METADATA
    assert not any(cell.metadata for cell in notebook.cells)
    for trace in ("127.0.0.1", "localhost", "sk-ant", "/home/", "/Users/", str(path.parents[1]), "stderr:", "0x"):
        assert trace not in outputs


def test_the_notebooks_begin_and_end_alike() -> None:
    paths = [path for path in list_notebooks() if path.stem not in ON_THEIR_OWN_SANDBOX]
    setups, ends = zip(
        *((cells[0].source, cells[-1].source) for cells in map(code_cells, map(read, paths))), strict=True
    )
    # Those that embed have an OpenAI beside the Claude.
    assert len({setup.replace("Sandbox(openai=True)", "Sandbox()") for setup in setups}) == 1
    assert len(set(ends)) == 1
