"""The container in which Claude runs code goes from one answer to the next request."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.conversation.container import with_last_container

LATEST, EARLIER = {"id": "container_2", "expires_at": "2026-01-01"}, {"id": "container_1"}


@pytest.mark.parametrize(
    ("told", "asked", "sent"),
    [
        ([LATEST, EARLIER], {}, {"container": "container_2"}),
        ([None, {}, {"id": None}, "container_3", EARLIER], {}, {"container": "container_1"}),
        ([LATEST], {"container": None}, {"container": "container_2"}),
        # What it shall have is said beside its id.
        ([LATEST], {"container": {"skills": ["pptx"]}}, {"container": {"skills": ["pptx"], "id": "container_2"}}),
        ([LATEST], {"container": {"id": "", "skills": []}}, {"container": {"id": "container_2", "skills": []}}),
        # What the request names itself wins.
        ([LATEST], {"container": "own"}, {"container": "own"}),
        ([LATEST], {"container": {"id": "own", "skills": ["pptx"]}}, {"container": {"id": "own", "skills": ["pptx"]}}),
        ([], {}, {}),
        ([None, {}], {"container": {"skills": ["pptx"]}}, {"container": {"skills": ["pptx"]}}),
    ],
)
def test_the_latest_is_taken_over_unless_the_request_names_one(told: list[Any], asked: Any, sent: Any) -> None:
    given = {"max_tokens": 9, **asked}
    before = repr((told, given))
    made = with_last_container(iter(told), given)
    assert made == {"max_tokens": 9, **sent}
    assert made is not given
    assert repr((told, given)) == before
