"""The page of providers: each line's test is there, and it asks every provider of the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.provider_tables import COLUMNS, FEATURES, SHOWN, Feature
from tests.docs.test_parity import LINK
from tests.providers.wires import ASKED, WIRES

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"


def test_every_provider_of_the_tests_stands_in_the_tables() -> None:
    assert {*SHOWN} == WIRES.keys()
    assert COLUMNS.keys() == ASKED.keys()


def test_every_test_that_is_named_is_there() -> None:
    named = LINK.findall(PAGE.read_text(encoding="utf-8"))
    assert {feature.test for feature in FEATURES} <= {name for name, _ in named}
    for name, path in named:
        assert f"\ndef {name}(" in (PAGE.parent / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_lines_test_asks_every_provider_of_both_frameworks(feature: Feature) -> None:
    source = (PAGE.parents[1] / "tests" / "providers" / feature.file).read_text(encoding="utf-8")
    _, _, behind = source.partition(f"\ndef {feature.test}(")
    arguments = behind.partition(") -> None:")[0]
    assert "framework: " in arguments
    assert "provider: EmulatedProvider" in arguments
