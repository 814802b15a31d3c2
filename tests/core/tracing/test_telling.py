"""What is known of a span, as far as the user lets it be told."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.spans import Described
from portkey_gateway.tracing.telling import Telling

LABELS = {"team": "search", "session_id": "s-1", "user_id": "u-1", "ls_provider": "no"}


def telling(**options: Any) -> Telling:
    return Telling(lambda value: value, **{"capture_content": True, "metadata_keys": None, **options})


@pytest.mark.parametrize("captured", [True, False])
def test_the_users_own_words_are_content(*, captured: bool) -> None:
    told = {semconv.REQUEST_STOP_SEQUENCES: ["END"], semconv.TOOL_DESCRIPTION: "Look it up."}
    described = Described("a", {semconv.REQUEST_SEED: 7, semconv.TOOL_NAME: None, **told}, {semconv.INPUT_VALUE: "Hi"})
    told = {**told, semconv.INPUT_VALUE: "Hi"} if captured else {}
    assert telling(capture_content=captured).attributes(described) == {semconv.REQUEST_SEED: 7, **told}


def test_an_input_is_content() -> None:
    assert telling().input("Hi") == {semconv.INPUT_VALUE: "Hi"}
    assert telling().input(None) == telling(capture_content=False).input("Hi") == {}


def test_labels_are_told_as_far_as_they_are_wanted() -> None:
    whole = telling().labels(LABELS)
    assert (whole[semconv.CONVERSATION_ID], whole[semconv.SESSION_ID], whole[semconv.USER_ID]) == ("s-1", "s-1", "u-1")
    assert "ls_provider" not in str(whole)
    assert telling(metadata_keys=["team"]).labels(LABELS) == {semconv.METADATA: '{"team": "search"}'}
    assert telling(metadata_keys=[]).labels(LABELS) == {}
