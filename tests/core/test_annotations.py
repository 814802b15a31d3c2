"""What the annotations of public methods mean can be asked for, as frameworks do that make tools or routes of them."""

from __future__ import annotations

from inspect import isfunction
from typing import get_type_hints

from portkey_gateway import AnswerFold, GatewayClient


def test_what_public_methods_take_and_give_can_be_resolved() -> None:
    methods = {
        f"{owner.__name__}.{name}": method
        for owner in (GatewayClient, *GatewayClient.__mro__[1:-1], AnswerFold)
        for name, method in vars(owner).items()
        if isfunction(method) and not name.startswith("_")
    }
    assert {"GatewayClient.chat", "GatewayClient.ask", "EmbeddingClient.embed", "AnswerFold.add"} <= methods.keys()
    for method in methods.values():
        assert "return" in get_type_hints(method)
