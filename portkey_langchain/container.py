"""The container in which Claude runs code, taken over from one answer to the next request: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage


def with_last_container(messages: Sequence[BaseMessage], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the id of the latest container, unless they name one themselves.

    Args:
        messages: the conversation; an answer tells its container in ``response_metadata["container"]``.
        parameters: of the request; ``container`` may be a mapping that says what it shall have.
    """
    asked = parameters.get("container")
    if isinstance(asked, str) or (isinstance(asked, Mapping) and asked.get("id")):
        return dict(parameters)
    for message in reversed(messages):
        told = message.response_metadata.get("container") if isinstance(message, AIMessage) else None
        if isinstance(told, Mapping) and told.get("id"):
            return {**parameters, "container": {**asked, "id": told["id"]} if asked else told["id"]}
    return dict(parameters)
