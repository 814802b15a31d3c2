"""The container in which Claude runs code, taken over from one answer to the next request: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def with_last_container(told: Iterable[Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the id of the latest container, unless they name one themselves.

    Args:
        told: what the answers of the conversation tell of their containers, the latest first.
        parameters: of the request; ``container`` may be a mapping that says what it shall have.
    """
    asked = parameters.get("container")
    if isinstance(asked, str) or (isinstance(asked, Mapping) and asked.get("id")):
        return dict(parameters)
    latest = next((each["id"] for each in told if isinstance(each, Mapping) and each.get("id")), None)
    if latest is None:
        return dict(parameters)
    return {**parameters, "container": {**asked, "id": latest} if asked else latest}
