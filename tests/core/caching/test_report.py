"""``CacheReport``: tokens, shares and money of turns, and why nothing was read."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from portkey_gateway import Answer, CacheReport, EncodingError, GatewayInfo, PortkeyWarning, Usage
from portkey_gateway.caching.minimum import least_cached_tokens

SONNET = "claude-sonnet-4-5"
LONG = {"role": "system", "content": "x" * 8000}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def answer(read: int, written: int, uncached: int = 0, *, hour: int = 0, model: str = SONNET, **info: Any) -> Answer:
    usage = Usage(read + written + uncached, 100, read, written, hour)
    return Answer(usage=usage, model=model, info=GatewayInfo(provider="anthropic", **info))


def told(*messages: Any, tools: Any = None) -> Mapping[str, Any]:
    return {"messages": [LONG, *messages], "tools": tools}


def asked(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


# --- figures ----------------------------------------------------------------------------------------------------------


def test_turns_models_and_their_sum() -> None:
    report = CacheReport()
    report.add(answer(0, 5000, 10))
    report.add(answer(5000, 200, 0, hour=50))
    report.add(answer(0, 0, 300, model="gpt-5"))
    first, second, other = report.turns
    assert (first.figures.readable_tokens, second.figures.readable_tokens) == (0, 5010)
    assert second.figures.written_5m_tokens == 150
    assert second.figures.written_1h_tokens == 50
    assert second.figures.share_read == pytest.approx(5000 / 5010)
    assert first.figures.share_read is None
    assert other.model == "gpt-5"
    sonnet = report.models[SONNET]
    assert (sonnet.calls, sonnet.input_tokens, sonnet.output_tokens) == (2, 10_210, 200)
    assert sonnet.read_tokens + sonnet.written_5m_tokens + sonnet.written_1h_tokens + sonnet.uncached_tokens == 10_210
    assert report.total.calls == 3


def test_money_is_what_genai_prices_says_of_it() -> None:
    """Sonnet 4.5 below 200,000 tokens: 3 dollars a million of input, 3.75 and 6 to write, 0.3 to read, 15 of output."""
    report = CacheReport()
    report.add(answer(10_000, 3000, 500, hour=1000))
    [turn] = report.turns
    paid = (500 * 3 + 10_000 * 0.3 + 2000 * 3.75 + 1000 * 6) / 1e6
    assert turn.figures.cost == pytest.approx(paid + 100 * 15 / 1e6)
    assert turn.figures.saved == pytest.approx(13_500 * 3 / 1e6 - paid)
    assert turn.figures.saved_share == pytest.approx(1 - paid / (13_500 * 3 / 1e6))


def test_writing_for_nothing_costs_more_than_no_cache() -> None:
    report = CacheReport()
    report.add(answer(0, 4000))
    assert report.total.saved == pytest.approx(-0.25 * 4000 * 3 / 1e6)
    assert report.total.saved_share == pytest.approx(-0.25)


def test_without_a_price_there_is_no_money_but_the_published_multipliers() -> None:
    report = CacheReport()
    report.add(answer(8000, 1000, 1000, model="claude-of-tomorrow"))
    assert report.total.cost is None
    assert report.total.saved is None
    assert report.total.saved_share == pytest.approx(1 - (1000 + 1250 + 800) / 10_000)
    assert "70% of the input's price" in str(report)


def test_an_empty_report() -> None:
    report = CacheReport()
    assert report.total.share_read is None
    assert report.to_dict()["turns"] == []
    assert report._repr_html_().startswith("<table>")
    assert report.plot().get_xlabel() == "call"
    plt.close("all")


def test_what_no_provider_was_asked_for_is_not_counted() -> None:
    report = CacheReport()
    report.add(answer(0, 5000, cache_status="HIT"))
    report.add(Answer(model=SONNET))
    assert report.not_counted == 2
    assert report.turns == []


# --- what it is fed ---------------------------------------------------------------------------------------------------

DETAILS = {"cache_read": 10, "cache_creation": 5, "ephemeral_1h_input_tokens": 2}
METADATA = {"input_tokens": 20, "output_tokens": 3, "input_token_details": DETAILS}
MESSAGE = SimpleNamespace(
    usage_metadata=METADATA, response_metadata={"model_name": SONNET, "provider": "anthropic"}, content="Hi"
)
RAW = {
    "model": SONNET,
    "provider": "anthropic",
    "usage": {
        "input_tokens": 20,
        "output_tokens": 3,
        "total_tokens": 23,
        "cache_read_tokens": 10,
        "cache_write_tokens": 7,
        "cache_write_1h_tokens": 2,
    },
}


@pytest.mark.parametrize(
    "given",
    [
        MESSAGE,
        {"messages": [SimpleNamespace(content="Hi"), MESSAGE]},
        [MESSAGE],
        RAW,
        SimpleNamespace(raw=RAW),
        Answer(usage=Usage(20, 3, 10, 7, 2), model=SONNET, provider="anthropic"),
    ],
)
def test_answers_of_every_framework_say_the_same(given: Any) -> None:
    report = CacheReport()
    report.add(given)
    [turn] = report.turns
    figures = turn.figures
    assert turn.model == SONNET
    assert figures.cost is not None
    assert (figures.read_tokens, figures.written_5m_tokens, figures.written_1h_tokens) == (10, 5, 2)
    assert (figures.uncached_tokens, figures.output_tokens) == (3, 3)


def test_anthropics_own_class_names_the_provider_otherwise() -> None:
    report = CacheReport()
    details = {"cache_read": 10, "cache_creation": 0, "ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 2}
    metadata = {"model_name": SONNET, "model_provider": "anthropic"}
    usage = {**METADATA, "input_token_details": details}
    report.add(SimpleNamespace(usage_metadata=usage, response_metadata=metadata))
    assert (report.total.written_5m_tokens, report.total.written_1h_tokens) == (5, 2)
    assert report.total.cost is not None


@pytest.mark.parametrize("given", ["Hi", None, 7, SimpleNamespace(content="Hi"), {"usage": {}}])
def test_what_is_no_answer_is_an_error(given: Any) -> None:
    with pytest.raises(EncodingError, match=f"a {type(given).__name__} tells no usage: give an Answer"):
        CacheReport().add(given)


# --- what could be read -----------------------------------------------------------------------------------------------


def test_a_request_that_goes_on_could_read_all_of_the_last_one() -> None:
    report = CacheReport()
    report.add(answer(0, 2010), told(asked("Hi")))
    report.add(answer(2010, 90), told(asked("Hi"), {"role": "assistant", "content": "Hello."}, asked("And?")))
    assert report.turns[1].figures.readable_tokens == 2010
    assert report.total.share_read == 1.0


def test_one_that_begins_alike_could_read_that_beginning() -> None:
    report = CacheReport()
    report.add(answer(0, 4000), told(asked("y" * 8000)))
    report.add(answer(2000, 2000), told(asked("z" * 8000)))
    assert report.turns[1].figures.readable_tokens == pytest.approx(2000, rel=0.02)


def test_marks_do_not_count() -> None:
    marked = {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]}
    report = CacheReport()
    report.add(answer(0, 2010), told(asked("Hi")))
    report.add(answer(2010, 0), told(marked))
    assert report.turns[1].figures.readable_tokens == 2010


# --- why nothing was read ---------------------------------------------------------------------------------------------


def warned(report: CacheReport, *turns: tuple[Answer, Any, float], clock: Clock) -> str:
    def feed() -> None:
        for given, request, after_s in turns:
            clock.now += after_s
            report.add(given, request)

    with pytest.warns(PortkeyWarning) as caught:
        feed()
    [warning] = caught
    return str(warning.message)


@pytest.mark.parametrize(
    ("turns", "says"),
    [
        ([(answer(0, 0, 900), None, 1)], "the input is too short: 900 tokens, where this model caches 1024 or more"),
        ([(answer(0, 5000), None, 301)], "kept for five minutes after it was last read"),
        ([(answer(0, 0, 5000), None, 1)], "no cache mark reached Claude"),
        ([(answer(0, 5000), None, 1)], "the beginning of the request has changed, so it was written anew"),
        (
            [(answer(0, 5000), {"messages": [asked(text), LONG]}, 1) for text in "abc"],
            "differs from the last one from messages[0] on, and no mark ends what both begin with",
        ),
        (
            [(answer(0, 5000), told(tools=[{"name": text}]), 1) for text in "abc"],
            "the beginning of the request has changed at tools[0]",
        ),
        ([(answer(0, 5000), told(), 1)], "the beginning is the same, but no mark stood where the last request ended"),
        ([(answer(0, 0, 5000, model="gpt-5"), None, 1)], "this provider caches by itself, and did not"),
    ],
)
def test_one_warning_says_why_nothing_was_read(turns: list[Any], says: str) -> None:
    clock = Clock()
    report = CacheReport(clock=clock)
    three = turns * 3 if len(turns) == 1 else turns
    warning = warned(report, *three, *three, clock=clock)
    assert says in warning
    assert "nothing was read from the prompt cache in 3 calls of" in warning
    assert says in str(report.turns[2].missed)


def test_who_reads_at_last_is_not_warned() -> None:
    report = CacheReport()
    for given in (answer(0, 5000), answer(0, 5000), answer(5000, 0), answer(0, 5000)):
        report.add(given)
    assert [turn.missed is None for turn in report.turns] == [True, False, True, False]


def test_an_hour_is_an_hour() -> None:
    clock = Clock()
    report = CacheReport(clock=clock)
    report.add(answer(0, 5000, hour=5000))
    clock.now = 3500
    report.add(answer(0, 5000))
    assert report.turns[1].figures.readable_tokens == 5000


@pytest.mark.parametrize(
    ("model", "least"),
    [
        (SONNET, 1024),
        ("claude-sonnet-5", 1024),
        ("claude-opus-4-1", 1024),
        ("claude-opus-4-5-20251101", 4096),
        ("claude-opus-4-7", 2048),
        ("claude-opus-4-8", 1024),
        ("@prod/claude-opus-5", 512),
        ("claude-haiku-4-5", 4096),
        ("claude-3-5-haiku-latest", 2048),
        ("claude", 1024),
    ],
)
def test_how_long_a_prefix_has_to_be(model: str, least: int) -> None:
    assert least_cached_tokens(model) == least


# --- how it is shown --------------------------------------------------------------------------------------------------


@pytest.fixture
def report() -> CacheReport:
    report = CacheReport()
    report.add(answer(0, 5000, 10))
    report.add(answer(5000, 200))
    return report


def test_it_prints(report: CacheReport, capsys: pytest.CaptureFixture[str]) -> None:
    report.print()
    printed = capsys.readouterr().out
    assert printed == f"{report}\n"
    head, model, first, second = printed.splitlines()
    assert "read of what could be" in head
    assert model.split()[:2] == [SONNET, "2"]
    assert first.split()[:2] == ["1", "1"]
    assert "99.8%" in second
    assert second.rstrip().endswith("USD")


def test_it_is_json(report: CacheReport) -> None:
    told = json.loads(json.dumps(report.to_dict()))
    assert told["currency"] == "USD"
    assert told["models"][SONNET]["read_tokens"] == 5000
    assert [turn["model"] for turn in told["turns"]] == [SONNET, SONNET]


def test_it_is_html_in_which_names_are_texts() -> None:
    report = CacheReport()
    report.add(answer(0, 5000, model="<b>"))
    assert "&lt;b&gt;" in report._repr_html_()
    assert "<b>" not in report._repr_html_()


def test_it_is_plotted(report: CacheReport) -> None:
    mpl.use("agg")
    axes = report.plot()
    assert [int(bar.get_height()) for bar in axes.patches] == [0, 5000, 5000, 200, 10, 0]
    [line] = axes.figure.axes[1].get_lines()
    assert line.get_ydata()[-1] == pytest.approx(report.total.saved)
    plt.close("all")


def test_without_matplotlib_a_plot_says_what_to_install(report: CacheReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"portkey-frameworks\[plot\]"):
        report.plot()


def test_it_is_copied_and_pickled(report: CacheReport) -> None:
    assert copy.deepcopy(report) is report
    restored = pickle.loads(pickle.dumps(report))
    restored.add(answer(5200, 100))
    assert restored.total.calls == 3
    assert report.total.calls == 2
