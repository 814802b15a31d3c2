"""Ids, trace headers and the policy for metadata."""

import json
import re
import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.errors import PortkeyWarning
from portkey_gateway.tracing.context import (
    MAX_RUNS,
    RunTree,
    TraceContext,
    encode_metadata,
    header_safe,
    new_span_id,
    new_trace_id,
)
from portkey_gateway.tracing.session import SESSION_LABELS

HEADER_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


class Team(StrEnum):
    SEARCH = "search"


def decoded(metadata: dict[str, Any]) -> Any:
    encoded = encode_metadata(metadata)
    assert encoded is not None
    assert HEADER_VALUE.fullmatch(encoded)
    return json.loads(encoded)


def test_ids_have_the_forms_of_w3c_trace_context() -> None:
    traces = {new_trace_id() for _ in range(50)}
    spans = {new_span_id() for _ in range(50)}
    assert len(traces) == len(spans) == 50
    assert all(re.fullmatch("[0-9a-f]{32}", trace) for trace in traces)
    assert all(re.fullmatch("[0-9a-f]{16}", span) for span in spans)


def test_no_id_is_all_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda _bound: 0)
    assert new_trace_id() == "0" * 31 + "1"
    assert new_span_id() == "0" * 15 + "1"


def test_the_largest_id_still_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda bound: bound - 1)
    assert new_trace_id() == "f" * 32
    assert new_span_id() == "f" * 16


def test_a_full_context_renders_every_header() -> None:
    assert TraceContext("t" * 32, "s" * 16, "p" * 16, "answer").render_headers() == {
        "x-portkey-trace-id": "t" * 32,
        "x-portkey-span-id": "s" * 16,
        "x-portkey-parent-span-id": "p" * 16,
        "x-portkey-span-name": "answer",
    }


@pytest.mark.parametrize("context", [TraceContext(), TraceContext(trace_id="", span_name=" \n")])
def test_what_is_not_set_is_not_rendered(context: TraceContext) -> None:
    assert context.render_headers() == {}


@given(st.text())
def test_whatever_the_names_every_header_can_be_sent(text: str) -> None:
    headers = TraceContext(text, text, text, text).render_headers()
    assert all(HEADER_VALUE.fullmatch(value) for value in headers.values())


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plan trip", "plan trip"),
        (" plan\t", "plan"),
        ("a\r\nx-evil: 1", "a??x-evil: 1"),
        ("Köln\x7f\x00", "K?ln??"),
        ("", ""),
    ],
)
def test_header_safe(text: str, safe: str) -> None:
    assert header_safe(text) == safe


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("search", "search"),
        ("", ""),
        (Team.SEARCH, "search"),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (["ä"], '["ä"]'),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (datetime(2026, 8, 1, tzinfo=UTC), "2026-08-01T00:00:00Z"),
    ],
)
def test_every_value_becomes_text(value: Any, text: str) -> None:
    assert decoded({"key": value}) == {"key": text}


def test_none_is_left_out_and_nothing_is_no_header() -> None:
    assert decoded({"a": None, "b": "1"}) == {"b": "1"}
    assert encode_metadata({"a": None}) is None
    assert encode_metadata({}) is None


@pytest.mark.parametrize("key", ["lc_versions", "ls_provider", "langgraph_node", "__pregel_x", "llamaindex.run_id"])
def test_the_frameworks_own_keys_stay_out(key: str) -> None:
    assert encode_metadata({key: "x"}) is None


@pytest.mark.parametrize("text", ["Zürich ☀️", "a\r\nb\x00", "del\x7f", "\u2028", "\ud83d", '"quoted\\"'])
def test_any_text_survives_the_header(text: str) -> None:
    assert decoded({"key": text}) == {"key": text}


@given(
    st.dictionaries(
        st.text(max_size=20).filter(lambda key: not key.startswith(("l", "_", "c", "u")) and key not in SESSION_LABELS),
        st.text(max_size=128),
    )
)
def test_metadata_round_trips(metadata: dict[str, str]) -> None:
    assert metadata == (decoded(metadata) if metadata else {})


def test_128_characters_fit() -> None:
    assert decoded({"key": "é" * 128}) == {"key": "é" * 128}


def test_longer_text_is_cut_with_a_warning_that_names_the_key() -> None:
    with pytest.warns(PortkeyWarning, match=r"metadata\['note'\] has 129 characters"):
        assert decoded({"note": "x" * 129}) == {"note": "x" * 125 + "..."}


def test_what_does_not_fit_any_more_is_left_out_with_a_warning() -> None:
    with pytest.warns(PortkeyWarning, match=r"metadata\['key\d+'\] and what follows it exceed the 8192 bytes"):
        encoded = encode_metadata({f"key{number}": "x" * 128 for number in range(100)})
    assert encoded is not None
    assert 8000 < len(encoded) <= 8192
    assert list(json.loads(encoded)) == [f"key{number}" for number in range(len(json.loads(encoded)))]


def test_the_bound_counts_bytes_as_sent() -> None:
    # 10 values of 128 characters beyond ASCII are 10 * 128 * 6 bytes of \uXXXX; an eleventh exceeds 8 KB.
    with pytest.warns(PortkeyWarning, match="8192"):
        assert len(decoded({f"key{number}": "é" * 128 for number in range(11)})) == 10


def circular() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


@pytest.mark.parametrize("value", [object(), circular(), b"\xff"], ids=["object", "circular", "bytes"])
def test_what_json_does_not_know_is_left_out_with_a_warning_that_names_the_key(value: Any) -> None:
    with pytest.warns(PortkeyWarning, match=r"metadata\['thing'\] is a .* which JSON does not know"):
        assert decoded({"thing": value, "other": 1}) == {"other": "1"}


def test_the_user_is_portkeys_user_too_unless_one_is_given() -> None:
    assert decoded({"user_id": 7}) == {"user_id": "7", "_user": "7"}
    assert decoded({"user_id": "a", "_user": "b"}) == {"user_id": "a", "_user": "b"}


def test_only_the_keys_that_are_asked_for() -> None:
    encoded = encode_metadata({"team": "search", "user_id": "u", "secret": "s"}, keys=("team", "_user"))
    assert json.loads(encoded or "") == {"team": "search", "_user": "u"}
    assert encode_metadata({"secret": "s"}, keys=()) is None


# --- the tree of runs ------------------------------------------------------------------------------------------------

ROOT = TraceContext("a" * 32, "1" * 16, None, "root")


def test_an_ended_run_is_over_and_may_be_ended_again() -> None:
    tree = RunTree()
    tree.start("root", ROOT)
    tree.end("root")
    tree.end("root")
    assert tree.get("root") is None
    assert len(tree) == 0


def test_what_begins_in_a_run_that_is_over_is_in_it_all_the_same() -> None:
    tree = RunTree(max_runs=1)
    for name in ("first", "second"):
        assert tree.start(name, ROOT) == tree.around(name) == ROOT
        tree.end(name)
    assert (tree.around("second"), tree.around("first")) == (ROOT, None)


def test_in_a_run_that_is_forgotten_nothing_begins() -> None:
    tree = RunTree()
    tree.start("call", ROOT)
    tree.forget("call")
    tree.forget("call")
    assert (tree.get("call"), tree.around("call"), len(tree)) == (None, None, 0)


def test_runs_that_never_end_do_not_grow_without_bound() -> None:
    tree = RunTree(max_runs=100)
    for number in range(1000):
        tree.start(str(number), ROOT)
    assert len(tree) == 100
    assert tree.get("999") is not None


def test_old_runs_are_forgotten_unless_they_still_start_others() -> None:
    now = [0.0]
    tree = RunTree(max_age_s=10, clock=lambda: now[0])
    tree.start("idle", ROOT)
    tree.start("busy", ROOT)
    now[0] = 8.0
    tree.around("busy")
    now[0] = 15.0
    tree.start("other", ROOT)
    assert tree.get("idle") is None
    assert tree.get("busy") is not None


def test_a_hundred_thousand_runs_stay_within_the_stated_bound() -> None:
    tree = RunTree()
    for number in range(100_000):
        tree.start(str(number), TraceContext(f"{number:032x}", f"{number:016x}", None, "run"))
    assert len(tree) == MAX_RUNS


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (TraceContext("a" * 32, "1" * 16), f"00-{'a' * 32}-{'1' * 16}-01"),
        (TraceContext("order-4711", "1" * 16), None),
        (TraceContext("a" * 32), None),
        (TraceContext("0" * 32, "1" * 16), None),
        (TraceContext("A" * 32, "1" * 16), None),
    ],
)
def test_traceparent_is_said_only_where_w3c_can_say_it(context: TraceContext, expected: str | None) -> None:
    assert context.traceparent == expected
    assert context.render_headers().get("traceparent") == expected
