"""What the docs say of each provider, made from the table of providers; each line names the test that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from portkey_gateway.chat_completions.providers import PROVIDERS, Medium, Provider

SHOWN: Final = (
    "openai", "anthropic", "azure-openai", "google", "vertex-ai", "vertex-ai/anthropic", "bedrock/anthropic",
    "mistral-ai", "cohere", "deepseek", "ollama", "groq",
)  # fmt: skip
"""The providers of the tables: those that stand behind the gateway in the tests."""
COLUMNS: Final = {
    **{row: PROVIDERS[row] for row in SHOWN},
    "messages": replace(
        PROVIDERS["anthropic"],
        name="Claude over `messages`",
        parameters=PROVIDERS["anthropic"].parameters | {"response_format"},
    ),
}
"""The columns of the first table: the providers over chat completions, and Claude over its own format."""
_TESTS: Final = "../tests/providers"


class Feature(NamedTuple):
    """A line of the table."""

    name: str
    cell: Callable[[Provider], str]
    test: str
    file: str


def _yes(*, is_so: bool) -> str:
    return "yes" if is_so else "no"


def _thoughts(provider: Provider) -> str:
    return " and ".join(sorted(provider.thoughts, reverse=True)) or "none"


def _medium(medium: Medium) -> Callable[[Provider], str]:
    return lambda provider: "yes" if medium in provider.media else "an error"


def _forced(provider: Provider) -> str:
    if "tools" not in provider.parameters:
        return "-"
    return "yes" if "tool_choice" in provider.parameters else "no: a warning"


def _named(provider: Provider) -> str:
    return "offered alone" if _forced(provider) == "yes" and "one" not in provider.choices else _forced(provider)


def _results(provider: Provider) -> str:
    if "tools" not in provider.parameters:
        return "-"
    return "in the result" if provider.media_in_results else "in a message behind it"


def _schema(provider: Provider) -> str:
    if "response_format" not in provider.parameters:
        return "as a tool"
    return {"in words": "JSON mode, schema in words"}.get(provider.schema_form, "bound to it")


def _schema_beside_tools(provider: Provider) -> str:
    if "tools" not in provider.parameters:
        return "-"
    return _schema(provider) if provider.binds_beside_tools else "as a tool"


FEATURES: Final = (
    Feature("text, whole and streamed", lambda _: "yes", "test_a_text", "test_answers.py"),
    Feature("usage in streams", lambda it: _yes(is_so=it.tells_usage_in_streams), "test_a_text", "test_answers.py"),
    Feature("thoughts", _thoughts, "test_thoughts", "test_answers.py"),
    Feature("finish reasons under OpenAI's names", lambda _: "yes", "test_how_it_ended", "test_answers.py"),
    Feature("a call that was cut is none", lambda it: "yes" if "tools" in it.parameters else "-",
            "test_a_call_that_was_cut_is_no_call", "test_answers.py"),
    Feature("system messages", lambda it: "one text at the top" if it.one_system else "as they stand",
            "test_every_system_message_arrives", "test_requests.py"),
    Feature("images", _medium("image"), "test_an_image_arrives", "test_requests.py"),
    Feature("PDFs", _medium("pdf"), "test_a_pdf_arrives_or_is_refused_by_name", "test_requests.py"),
    Feature("tools", lambda it: "yes" if "tools" in it.parameters else "an error", "test_a_tool_loop", "test_tools.py"),
    Feature("some tool forced", _forced, "test_a_forced_tool", "test_tools.py"),
    Feature("this tool forced", _named, "test_a_forced_tool", "test_tools.py"),
    Feature("calls of earlier turns", lambda it: "as calls" if it.keeps_calls else "in words, a warning",
            "test_a_tool_loop", "test_tools.py"),
    Feature("images that a tool returned", _results, "test_an_image_that_a_tool_returned", "test_tools.py"),
    Feature("an answer of a JSON schema", _schema, "test_an_answer_of_a_schema", "test_structured.py"),
    Feature("such an answer beside tools", _schema_beside_tools, "test_an_agent_with_a_tool_and_an_answer_of_a_schema",
            "test_structured.py"),
    Feature("an object of a class", lambda _: "yes", "test_an_object", "test_structured.py"),
    Feature("errors with status and words", lambda _: "yes", "test_an_error_before_the_answer", "test_trouble.py"),
    Feature("a stream that breaks off is an error", lambda _: "yes", "test_a_stream_that_breaks_off_is_no_answer",
            "test_trouble.py"),
)  # fmt: skip
"""The lines of the table."""

PARAMETERS: Final = ("tools", "tool_choice", "parallel_tool_calls", "response_format", "stop", "seed", "top_k",
                     "thinking", "reasoning_effort", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs",
                     "n", "service_tier", "user", "metadata", "store", "modalities", "verbosity")  # fmt: skip
"""The parameters of the second table."""


def render_features() -> str:
    """Render what each provider is told and tells."""
    lines = [_head(COLUMNS.values(), "", "shown by")]
    for name, cell, test, file in FEATURES:
        cells = [*map(cell, COLUMNS.values())]
        lines.append(f"| {name} | {' | '.join(cells)} | [`{test}`]({_TESTS}/{file}) |")
    return "\n".join(lines) + "\n"


def render_parameters() -> str:
    """Render which parameters the gateway carries to each provider."""
    lines = [_head([PROVIDERS[row] for row in SHOWN], "parameter")]
    for name in PARAMETERS:
        cells = [_carried(name, PROVIDERS[row]) for row in SHOWN]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def render_sources() -> str:
    """Render the file of the gateway that says it."""
    lines = [f"| {PROVIDERS[row].name} | `{row.partition('/')[0]}` | `{PROVIDERS[row].source}` |" for row in SHOWN]
    return "\n".join(["| | `provider` | source |", "|---|---|---|", *lines]) + "\n"


def _carried(name: str, provider: Provider) -> str:
    if name in provider.refuses:
        return "refused: left out"
    if (
        name == "logprobs"
        and name in provider.parameters
        and len(provider.logprobs) < len(PROVIDERS["openai"].logprobs)
    ):
        return f"{' and '.join(provider.logprobs)} answers" if provider.logprobs else "never told: a warning"
    return "yes" if name in provider.parameters or (name == "top_k" and "k" in provider.parameters) else ""


def _head(columns: Iterable[Provider], first: str, *last: str) -> str:
    names = [first, *(column.name for column in columns), *last]
    return f"| {' | '.join(names)} |\n" + "|---" * len(names) + "|"
