"""Looks at parameters are left out where none of those looked for is there: the lists of these have to be whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portkey_gateway.conversation import betas, checks, claude


class Asked(dict[str, Any]):
    """Parameters that note by which names they are asked."""

    def __init__(self, **given: Any) -> None:
        super().__init__(given)
        self.names: set[Any] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.names.add(name)
        return super().__contains__(name)


def fit(asked: Asked) -> None:
    for fitted in (claude._fit_thinking, claude._fit_idle_effort, claude._fit_choice, claude._fit_sampling):
        assert not [*fitted(asked, ["claude-sonnet-4-5"])]


@pytest.mark.parametrize(
    ("look", "listed"),
    [
        (checks._check_parameters, checks._CHECKED),
        (fit, claude._FITTED),
        (lambda asked: [*betas.needed_betas(asked)], betas._ASKING | {"messages"}),
    ],
    ids=["checks", "what a Claude may refuse", "beta features"],
)
def test_nothing_is_asked_for_that_is_not_listed(look: Callable[[Asked], Any], listed: frozenset[str]) -> None:
    asked = Asked(thinking={"type": "enabled", "budget_tokens": 1024}, messages=[{"role": "user", "content": "Hi"}])
    look(asked)
    assert asked.names == listed
