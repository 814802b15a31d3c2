"""What many calls leave, in small: `make soak` asks for more, and its figures stand in the page of reliability."""

from __future__ import annotations

from typing import Any

from tests.life.soak import READINGS, soak, table


def test_a_soak_asks_in_every_way_and_reads_what_is_held(options: dict[str, Any]) -> None:
    found = soak(options, 80)
    assert found["wrong"] == 0
    assert [each["calls"] for each in found["readings"]] == [80 * step // READINGS for step in range(READINGS + 1)]
    assert all(each["memory_mb"] > 1 and each["files"] > 2 for each in found["readings"])
    assert table(found).startswith("80 calls on ")
