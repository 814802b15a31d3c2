"""Which conversation a call belongs to, as the labels of a run say: pure.

A session of LangChain's is a ``thread_id`` (LangGraph) or a ``session_id`` (histories); Portkey knows no session of its
own (its documentation, "Metadata", names ``_user`` alone), so there it is one label, by one name, to filter by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SESSION_LABEL: Final = "session_id"
"""The label that Portkey gets."""
SESSION_LABELS: Final = (SESSION_LABEL, "conversation_id", "thread_id")
"""The labels that name a conversation; the first that is there counts."""
USER_LABELS: Final = ("_user", "user_id")


def find_session(labels: Mapping[str, Any]) -> str | None:
    """The conversation that labels name, if they name one."""
    return _first(labels, SESSION_LABELS)


def find_user(labels: Mapping[str, Any]) -> str | None:
    """The user that labels name, if they name one."""
    return _first(labels, USER_LABELS)


def _first(labels: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    if labels.keys().isdisjoint(names):
        return None
    for name in names:
        # A label may be anything, also what has no hash.
        if (value := labels.get(name)) is not None and value != "":
            return str(value)
    return None
