"""Finding the trace of whatever was answered."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from portkey_gateway import Answer, EncodingError, GatewayInfo, ServerError, TraceContext
from portkey_gateway.tracing.find import find_trace_id

RUN = UUID("0199a1b2-0000-7000-8000-0000000000aa")
INFO = GatewayInfo(trace_id="t-1")
MESSAGE = SimpleNamespace(response_metadata={"trace_id": "t-1"}, additional_kwargs={})
QUESTION = SimpleNamespace(response_metadata={}, additional_kwargs={}, content="t-2?")


@pytest.mark.parametrize(
    ("of", "found"),
    [
        ("t-1", "t-1"),
        (" t-1\n", "t-1"),
        (RUN, RUN.hex),
        (INFO, "t-1"),
        (Answer(info=INFO), "t-1"),
        (TraceContext("t-1", "s-1"), "t-1"),
        (ServerError("down", info=INFO), "t-1"),
        (MESSAGE, "t-1"),
        ({"trace_id": "t-1"}, "t-1"),
        ({"run_id": RUN}, RUN.hex),
        ({"messages": [QUESTION, MESSAGE, QUESTION]}, "t-1"),
        ([QUESTION, MESSAGE], "t-1"),
        (SimpleNamespace(trace_id=RUN, id="x"), RUN.hex),
        (SimpleNamespace(raw={"trace_id": "t-1"}), "t-1"),
        (SimpleNamespace(raw=None, response=SimpleNamespace(additional_kwargs={"trace_id": "t-1"})), "t-1"),
    ],
)
def test_it_is_found(of: Any, found: str) -> None:
    assert find_trace_id(of) == found


@pytest.mark.parametrize("of", [None, "", 7, {}, [], QUESTION, Answer(), ["t-1"], SimpleNamespace(response="t-1")])
def test_what_tells_no_trace_is_an_error_that_says_what_would(of: Any) -> None:
    with pytest.raises(EncodingError, match=f"a {type(of).__name__} tells no trace: give a message or a response"):
        find_trace_id(of)


def test_what_refers_to_itself_ends() -> None:
    loop: dict[str, Any] = {}
    loop["messages"] = [loop]
    with pytest.raises(EncodingError):
        find_trace_id(loop)
