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

from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.trace import TraceContext, encode_metadata, header_safe, new_span_id, new_trace_id

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


@pytest.mark.parametrize("key", ["lc_versions", "ls_provider", "langgraph_node", "__pregel_task_id"])
def test_the_frameworks_own_keys_stay_out(key: str) -> None:
    assert encode_metadata({key: "x"}) is None


@pytest.mark.parametrize("text", ["Zürich ☀️", "a\r\nb\x00", "del\x7f", "\u2028", "\ud83d", '"quoted\\"'])
def test_any_text_survives_the_header(text: str) -> None:
    assert decoded({"key": text}) == {"key": text}


@given(st.dictionaries(st.text(max_size=20).filter(lambda key: not key.startswith(("l", "_"))), st.text(max_size=128)))
def test_metadata_round_trips(metadata: dict[str, str]) -> None:
    assert metadata == (decoded(metadata) if metadata else {})


def test_128_characters_fit() -> None:
    assert decoded({"key": "é" * 128}) == {"key": "é" * 128}


def test_longer_text_is_cut_with_a_warning_that_names_the_key() -> None:
    with pytest.warns(PortkeyWarning, match=r"metadata\['note'\] has 129 characters"):
        assert decoded({"note": "x" * 129}) == {"note": "x" * 125 + "..."}


def test_too_much_together_is_an_error_that_names_the_keys() -> None:
    with pytest.raises(EncodingError, match=r"at most 8192 fit.*'key0', 'key1'"):
        encode_metadata({f"key{number}": "x" * 128 for number in range(100)})


def test_the_bound_counts_bytes_as_sent() -> None:
    # 11 values of 128 characters beyond ASCII are 11 * 128 * 6 bytes of \uXXXX: more than 8 KB.
    with pytest.raises(EncodingError, match="8192"):
        encode_metadata({f"key{number}": "é" * 128 for number in range(11)})


def circular() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


@pytest.mark.parametrize("value", [object(), circular(), b"\xff"], ids=["object", "circular", "bytes"])
def test_what_json_does_not_know_is_an_error_that_names_the_key(value: Any) -> None:
    with pytest.raises(EncodingError, match=r"metadata\['thing'\]"):
        encode_metadata({"thing": value})
