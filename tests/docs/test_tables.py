"""The tables of the docs are those that the code makes."""

from __future__ import annotations

import pytest

from docs.rooms_picture import PICTURE, render_rooms_picture
from docs.tables import TABLES, with_table
from portkey_gateway.chat_completions import losses as chat_completions
from portkey_gateway.conversation.losses import COLUMNS, Loss
from portkey_gateway.messages import losses as messages


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_as_the_code_says(name: str) -> None:
    path, render = TABLES[name]
    page = path.read_text(encoding="utf-8")
    assert with_table(page, name, render()) == page, "write it anew: make tables"


def test_the_picture_of_the_rooms_is_as_the_code_says() -> None:
    assert PICTURE.read_text(encoding="utf-8") == render_rooms_picture(), "draw it anew: make tables"


def test_a_page_without_marks_is_told() -> None:
    with pytest.raises(ValueError, match="no marks around the table 'rooms'"):
        with_table("# A page\n", "rooms", "| |\n")


@pytest.mark.parametrize("losses", [chat_completions.LOSSES, messages.LOSSES])
def test_a_loss_says_what_becomes_of_it_and_names_gateways_that_there_are(
    losses: dict[str, Loss],
) -> None:
    for loss in losses.values():
        assert loss.what
        assert loss.instead
        assert set(loss.carried_by or {}) <= set(COLUMNS)
