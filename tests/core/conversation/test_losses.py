"""The tables of what an API format cannot carry, as the encoders ask them and as the docs show them."""

import pytest

from portkey_gateway.chat_completions.losses import LOSSES as CHAT_COMPLETIONS
from portkey_gateway.conversation.losses import COLUMNS, Loss, render_table
from portkey_gateway.messages.losses import LOSSES as MESSAGES

CARRIED = Loss("`a`", "left out", carried_by={"hosted": "since 2.4.4", "oss-2": ""})


def test_a_gateway_carries_what_it_is_said_to_carry() -> None:
    assert [CARRIED.is_carried(gateway) for gateway in COLUMNS] == [False, True, True]
    assert not any(Loss("`b`", "left out").is_carried(gateway) for gateway in COLUMNS)


def test_a_table_has_a_line_for_each_loss_and_a_column_for_each_gateway() -> None:
    assert render_table({"a": CARRIED, "b": Loss("`b`", "an error")}).splitlines() == [
        "| What is said | open source 1.15.2 | open source, branch 2.0.0 | hosted | Where it is not carried |",
        "|---|---|---|---|---|",
        "| `a` | no | yes | yes, since 2.4.4 | left out |",
        "| `b` | no | no | no | an error |",
    ]


@pytest.mark.parametrize("losses", [CHAT_COMPLETIONS, MESSAGES], ids=["chat_completions", "messages"])
def test_every_loss_is_told_once_and_says_what_becomes_of_it(losses: dict[str, Loss]) -> None:
    assert len({loss.what for loss in losses.values()}) == len(losses)
    for name, loss in losses.items():
        assert loss.instead, name
        assert (loss.carried_by or {}).keys() <= COLUMNS.keys(), name
        assert "|" not in loss.what + loss.instead, name
        # Where the table promises a warning, the warning needs an end.
        assert loss.remedy or "with a warning" not in loss.instead or "proxy" in loss.instead or name == "schema", name
