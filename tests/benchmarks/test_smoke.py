"""The benchmarks run, void wrong answers and compute ratios; how fast anything is, no test asserts."""

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias, TypeVar

import pytest

from benchmarks import embeddings, guard, scaling
from benchmarks.answers import (
    answer_pieces,
    events,
    expected_answer,
    message_events,
    whole_answer,
    whole_message,
)
from benchmarks.counting import count_functions
from benchmarks.measures import FULL, MEASURES, QUICK, SHORT_TOKENS, Bench, Effort, WrongAnswerError, sizes
from benchmarks.prompts import history_prompt, image_prompt, short_prompt
from benchmarks.registry import ENTRIES
from benchmarks.report import describe_machine, render_json, render_markdown
from benchmarks.runner import BenchmarkProcess, run
from portkey_gateway.chat_completions import stream as chat_completions
from portkey_gateway.conversation.fold import Decoding
from portkey_gateway.info import GatewayInfo
from portkey_gateway.messages import stream as messages

RenderedT = TypeVar("RenderedT")
Render: TypeAlias = Callable[[list[str]], RenderedT]

CALLS = [measure for measure in MEASURES if measure.name not in {"import", "first answer"}]


class Scripted:
    """A contender that answers as it is told, in answers of ``SHORT_TOKENS``."""

    def __init__(self, answer: str | None = None) -> None:
        self._answer = answer

    def prepare(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return messages

    def invoke(self, prepared: list[dict[str, Any]]) -> str:
        return expected_answer(prepared, SHORT_TOKENS) if self._answer is None else self._answer

    async def ainvoke(self, prepared: list[dict[str, Any]]) -> str:
        return self.invoke(prepared)

    def stream(self, prepared: list[dict[str, Any]]) -> Iterator[str]:
        yield self.invoke(prepared)

    async def astream(self, prepared: list[dict[str, Any]]) -> AsyncIterator[str]:
        yield self.invoke(prepared)


def test_a_quick_run_measures_everything() -> None:
    entries = [entry for entry in ENTRIES if entry.module in {"chat_portkey", "langchain_floor"}]
    figures = run(entries, rounds=1, is_quick=True)

    assert {module: list(by_name) for module, by_name in figures.items()} == {
        entry.module: [measure.name for measure in MEASURES] for entry in entries
    }
    assert all(figure >= 0 for by_name in figures.values() for (figure,) in by_name.values())


@pytest.mark.parametrize("measure", CALLS, ids=lambda measure: measure.name)
@pytest.mark.parametrize("answer", ["", "1 messages, 0 MB: The river"])
def test_a_wrong_answer_is_no_figure(measure: Any, answer: str) -> None:
    scripted = Scripted(answer)
    with asyncio.Runner() as runner, pytest.raises(WrongAnswerError):
        measure.run(Bench(scripted, scripted, scripted, QUICK, runner, import_s=1.0, first_answer_s=2.0))


def test_embeddings_are_measured_and_wrong_vectors_are_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "TEXTS", embeddings.TEXTS[:10])
    monkeypatch.setattr(embeddings, "BATCH", 5)
    with BenchmarkProcess("benchmarks.mock_gateway") as gateway:
        figures = embeddings.measure(gateway.greeting, rounds=1)
        monkeypatch.setattr(embeddings.ByHand, "__call__", lambda _: [[0.5]] * 10)
        with pytest.raises(embeddings.WrongVectorsError, match="another vector at 0"):
            embeddings.measure(gateway.greeting, rounds=1)
    assert len(figures) == 4
    assert "| numbers, one batch after the other: httpx by hand |" in embeddings.render(figures)


def test_ratios_are_taken_round_by_round() -> None:
    def figures_of(*rounds: float) -> dict[str, list[float]]:
        return {measure.name: list(rounds) for measure in MEASURES}

    # The machine was ten times slower in the second round.
    figures = {
        "raw_httpx": figures_of(1, 10, 1),
        "langchain_floor": figures_of(1, 10, 1),
        "chat_portkey": figures_of(3, 30, 3),
        "chat_openai": figures_of(12, 120, 12),
    }
    machine = describe_machine()
    ratios = render_json(figures, machine)["ratios"]

    assert {title: set(row.values()) for title, row in ratios.items()} == {
        "ChatPortkey / (LangChain floor + raw httpx)": {1.5},
        "ChatPortkey / ChatOpenAI + createHeaders": {0.25},
    }
    markdown = render_markdown(figures, machine)
    assert "| medians of 3 rounds " in markdown
    assert "| ChatPortkey / ChatOpenAI + createHeaders    |   0.25 |" in markdown


def test_functions_are_counted_exactly_and_each_time_alike() -> None:
    def inner() -> int:
        return len("four")

    def work() -> list[int]:
        return [inner(), inner(), next(iter(map(abs, [-1])))]

    # work, twice inner and len, iter and next; a class that is called is no function, nor what it calls by itself.
    assert count_functions(work) == count_functions(work) == 1 + 2 * 2 + 2
    assert count_functions(lambda: None) == 1


def test_what_became_slower_is_named() -> None:
    reached = {"ours / theirs": {"invoke": 0.5, "stream": 0.2}, "gone": {"invoke": 1.0}}

    assert guard.slower(
        {"ours / theirs": {"invoke": 0.6, "stream": 0.3, "new": 9.0}, "new": {"invoke": 9.0}}, reached
    ) == [("ours / theirs", "stream", 0.2, 0.3)]
    assert "No ratio" in guard.report({"ours / theirs": {"invoke": 0.5}}, reached)
    assert "| ours / theirs: stream" in guard.report({"ours / theirs": {"stream": 0.3}}, reached)


def test_small_ratios_are_kept_as_exactly_as_large_ones() -> None:
    reached = guard.kept({"ours / theirs": {"history": 0.014951, "import": 1.14283}}, {"gone": {"invoke": 1.0}})

    assert reached == {"ours / theirs": {"history": 0.015, "import": 1.14}, "gone": {"invoke": 1.0}}
    assert guard.slower({"ours / theirs": {"history": 0.0201}}, reached) == []
    assert "| ours / theirs: history" in guard.report({"ours / theirs": {"history": 0.0204}}, reached)


def test_only_figures_of_the_same_size_are_compared() -> None:
    def ratios_of(effort: Effort, peak: float) -> guard.Ratios:
        return guard.sized({"ours / theirs": {"image peak": peak, "invoke": 0.5}}, sizes(effort))

    reached = guard.kept(ratios_of(FULL, 0.5), {})
    assert guard.slower(ratios_of(QUICK, 9.0), reached) == []
    assert guard.slower(ratios_of(FULL, 0.9), reached) == [("ours / theirs", "image peak of 20", 0.5, 0.9)]
    both = guard.kept(ratios_of(QUICK, 3.0), reached)
    assert both == {"ours / theirs": {"image peak of 20": 0.5, "image peak of 5": 3.0, "invoke": 0.5}}
    assert guard.slower(ratios_of(QUICK, 9.0), both) == [("ours / theirs", "image peak of 5", 3.0, 9.0)]


def test_sizes_are_told_beside_the_figures_and_those_that_are_reached_are_known() -> None:
    figures = {"raw_httpx": {measure.name: [1.0] for measure in MEASURES}}
    told = render_json(figures, describe_machine(), QUICK)["sizes"]
    assert told["image peak"] == QUICK.images
    names = [measure.name for measure in MEASURES]
    known = guard.sized({"row": dict.fromkeys(names, 1.0)}, sizes(FULL))["row"].keys()
    reached = json.loads(guard.REACHED.read_text(encoding="utf-8"))
    assert all(known <= row.keys() for row in reached.values())


def test_it_is_measured_how_costs_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "FACTORS", (1, 3))
    monkeypatch.setattr(scaling, "OURS", {"ours": "llamaindex_portkey_messages"})
    with BenchmarkProcess("benchmarks.mock_gateway") as gateway, asyncio.Runner() as runner:
        measured = scaling.measure(gateway.greeting, runner, rounds=1)

    assert {what for _, what in measured} == {"a message", "an image of 20 KB", "a chunk", "a call, so many at once"}
    assert "| ours: a chunk" in scaling.render(measured)


@pytest.mark.parametrize("module", ["llamaindex_floor", "llamaindex_portkey", "chat_portkey_messages"])
def test_a_contender_gets_what_was_said(module: str) -> None:
    with BenchmarkProcess("benchmarks.mock_gateway") as gateway:
        contender = importlib.import_module(f"benchmarks.contenders.{module}").make(gateway.greeting, SHORT_TOKENS)
        for prompt in (short_prompt(), history_prompt(), image_prompt()):
            prepared = contender.prepare(prompt)
            assert contender.invoke(prepared) == expected_answer(prompt, SHORT_TOKENS)
            assert "".join(contender.stream(prepared)) == expected_answer(prompt, SHORT_TOKENS)


@pytest.mark.parametrize(
    ("decoding", "render_events", "render_whole"),
    [
        pytest.param(chat_completions.DECODING, events, whole_answer, id="chat completions"),
        pytest.param(messages.DECODING, message_events, whole_message, id="messages"),
    ],
)
def test_the_mock_gateway_s_whole_and_streamed_answers_say_the_same(
    decoding: Decoding, render_events: Render[list[bytes]], render_whole: Render[bytes]
) -> None:
    pieces = answer_pieces(messages=3, request_bytes=7_100_000, tokens=20)
    info = GatewayInfo()
    fold = decoding.fold(info)
    stream = decoding.events(info)
    for event in render_events(pieces):
        for chunk in stream.feed(event):
            fold.add(chunk)

    assert list(stream.close()) == []
    assert fold.answer() == decoding.decode(render_whole(pieces), info)
    assert fold.answer().text.startswith("3 messages, 7 MB: The river")
