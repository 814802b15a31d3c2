"""``python -m docs.tables``: write the tables that are made from the code into the docs."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from docs.compatibility import render_runs
from docs.mutants import render_mutants
from docs.provider_tables import render_features, render_parameters, render_sources
from docs.rooms_picture import PICTURE, render_rooms_picture
from portkey_gateway.chat_completions.losses import LOSSES as CHAT_COMPLETIONS
from portkey_gateway.conversation.losses import render_table
from portkey_gateway.embeddings.providers import render_table as render_embeddings
from portkey_gateway.errors import PortkeyError
from portkey_gateway.messages.losses import LOSSES as MESSAGES
from portkey_gateway.models.facts import ModelFacts, find_facts
from portkey_langchain.errors import COMBINED

DOCS: Final = Path(__file__).parent
CORE: Final = DOCS.parent / "portkey_gateway"


def render_rooms() -> str:
    """Render the rooms of the core, each with the first line of its docstring."""
    files = [*sorted(CORE.glob("*/__init__.py")), *sorted(CORE.glob("*.py"))]
    rows = [(_name(file), ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "") for file in files]
    lines = [f"| `{name}` | {doc.splitlines()[0].replace('``', '`')} |" for name, doc in rows if name]
    return "\n".join(["| room | what it is for |", "|---|---|", *lines]) + "\n"


SHOWN: Final = (
    "claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "claude-haiku-5-5", "claude-sonnet-4-6",
    "claude-opus-4-5", "claude-sonnet-4-5", "gpt-6-sol", "gpt-5.4", "gpt-5", "gpt-4.1", "gpt-4o", "o3",
    "gemini-3-pro-preview", "gemini-2.5-pro", "mistral-large-latest", "command-a", "deepseek-v4-pro", "grok-4.5",
    "sonar-pro",
)  # fmt: skip
"""The models that the docs show, of the table's many."""


def render_models() -> str:
    """Render what the table of models says of some of them."""
    head = "| model | family | window | most in | most out | takes | effort |\n|---|---|---|---|---|---|---|\n"
    return head + "".join(f"| `{name}` | {_facts_row(find_facts(name))} |\n" for name in SHOWN)


def _facts_row(facts: ModelFacts) -> str:
    media = {"images": facts.takes_images, "PDFs": facts.takes_pdfs, "audio": facts.takes_audio}
    limits = (facts.context_window, facts.max_input_tokens, facts.max_output_tokens)
    taken = ", ".join(name for name, is_taken in media.items() if is_taken) or "text"
    told = [f"{limit:,}" if limit else "not known" for limit in limits]
    return " | ".join([facts.family or "none", *told, taken, ", ".join(facts.effort_levels) or "no levels"])


def render_figures() -> str:
    """Render the README's figures, taken from the tables that the named commands write into the pages."""
    caching = _row("caching.md", "more results than a breakpoint looks back")
    ours, theirs = (re.split(r" \(|, for ", cell) for cell in (caching[3], caching[5]))
    tried, failed = _row("reliability.md", "all")[1:]
    chat_openai = _time_of("ChatPortkey / ChatOpenAI + createHeaders")
    chat_anthropic = _time_of("ChatPortkey, messages / ChatAnthropic, messages")
    openai_like = _time_of("Portkey (LlamaIndex) / OpenAILike + createHeaders")
    return (
        "| | | made by |\n|---|---|---|\n"
        "| An agent of twenty turns with many parallel tools reads of what its prompt cache could give "
        f"| {ours[0]}, for {ours[2]} of the price without a cache; `ChatAnthropic` with its own middleware "
        f"{theirs[0]}, for {theirs[2]} | `make caching` ([caching](docs/caching.md#agents-of-many-turns)) |\n"
        f"| Breaks of the network and the provider that were tried | {tried}, of which {failed} ended otherwise than "
        "promised | `make reliability` ([reliability](docs/reliability.md#what-was-tried)) |\n"
        "| CPU time beside other classes over the gateway, of a call and of a streamed chunk "
        f"| `ChatPortkey` takes {chat_openai} of `ChatOpenAI`'s, {chat_anthropic} of `ChatAnthropic`'s; "
        f"`Portkey` takes {openai_like} of `OpenAILike`'s | `make bench` "
        "([what a call costs](docs/performance.md#the-figures)) |\n"
    )


def _time_of(ratio: str) -> str:
    """What ours takes of another's time for a whole call and for a chunk, as the page of ratios says."""
    columns = dict(zip(_row("performance.md", "ours to"), _row("performance.md", ratio), strict=True))
    return f"{float(columns['invoke']):.0%} and {float(columns['stream']):.0%}"


def _row(page: str, name: str) -> list[str]:
    """The cells of the one line of a page's tables that begins so."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    [line] = [line for line in lines if re.match(rf"\| {re.escape(name)} +\|", line)]
    return [cell.strip() for cell in line.strip("|").split("|")]


_INDENT: Final = 4 * "&nbsp;"


def render_errors() -> str:
    """Render the tree of exceptions, each below what it is a kind of, with LangChain's class that it is as well."""
    head = "| class of `portkey_gateway` | what happened | LangChain's class |\n|---|---|---|\n"
    return head + "".join(_error_rows(PortkeyError, ""))


def _error_rows(kind: type[PortkeyError], indent: str) -> Iterator[str]:
    twin = COMBINED[kind].__bases__[1]
    yield f"| {indent}`{kind.__name__}` | {_first_line(kind)} | `{twin.__name__}` |\n"
    for narrower in COMBINED:
        if narrower.__base__ is kind:
            yield from _error_rows(narrower, f"{indent}{_INDENT}")


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").splitlines()[0].replace("``", "`")


def _name(file: Path) -> str:
    if file.name != "__init__.py":
        return file.name
    return f"{file.parent.name}/" if file.parent != CORE else ""


TABLES: Final[dict[str, tuple[Path, Callable[[], str]]]] = {
    "chat completions": (DOCS / "api-formats.md", lambda: render_table(CHAT_COMPLETIONS)),
    "compatibility": (DOCS / "compatibility.md", render_runs),
    "embeddings": (DOCS / "embeddings.md", render_embeddings),
    "figures": (DOCS.parent / "README.md", render_figures),
    "errors": (DOCS / "errors.md", render_errors),
    "messages": (DOCS / "api-formats.md", lambda: render_table(MESSAGES)),
    "models": (DOCS / "models.md", render_models),
    "mutants": (DOCS / "reliability.md", render_mutants),
    "parameters of providers": (DOCS / "providers.md", render_parameters),
    "providers": (DOCS / "providers.md", render_features),
    "rooms": (DOCS / "architecture.md", render_rooms),
    "sources of providers": (DOCS / "providers.md", render_sources),
}
"""By the name in the marks around it, the page of a table and what makes it."""


def with_table(page: str, name: str, table: str) -> str:
    """Return a page with the table between its marks.

    Raises:
        ValueError: if the page has no such marks.
    """
    start, end = f"<!-- table: {name} -->\n", f"<!-- end of table: {name} -->\n"
    before, has_start, rest = page.partition(start)
    _, has_end, after = rest.partition(end)
    if not has_start or not has_end:
        raise ValueError(f"the page has no marks around the table {name!r}")
    return before + start + table + end + after


def main() -> None:
    """Write all tables, and the picture of the rooms."""
    PICTURE.write_text(render_rooms_picture(), encoding="utf-8")
    for name, (path, render) in TABLES.items():
        path.write_text(with_table(path.read_text(encoding="utf-8"), name, render()), encoding="utf-8")


if __name__ == "__main__":
    main()
