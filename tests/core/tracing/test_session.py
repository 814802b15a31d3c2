"""The conversation that labels name."""

from typing import Any

import pytest

from portkey_gateway.tracing.session import find_session, find_user


@pytest.mark.parametrize("value", [["a"], {"a": 1}, 7, "s-1"])
def test_any_value_names_one(value: Any) -> None:
    assert find_session({"session_id": value}) == str(value)
    assert find_user({"user_id": value}) == str(value)


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_names_none(value: Any) -> None:
    assert find_session({"session_id": value, "thread_id": "t-1"}) == "t-1"
    assert find_session({"session_id": value}) is None
