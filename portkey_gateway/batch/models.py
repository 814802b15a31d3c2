"""What batches ask: a ``BatchModel``, and around which model; what else is given says by its class what is meant."""

from __future__ import annotations

from typing import Any, Final

_BATCHES: Final = {"langchain_core": "portkey_langchain.batch", "llama_index": "portkey_llamaindex.batch"}
"""By the framework of a model: where its ``BatchModel`` is."""


def check_batch_model(given: Any) -> None:
    """Look whether a batch is given a ``BatchModel``.

    Raises:
        TypeError: if it is something else, as a model itself is; it says how to wrap it.
    """
    if not hasattr(given, "job") and not hasattr(given, "batched"):
        name = type(given).__name__
        where = _batch_of(given) or " or ".join(_BATCHES.values())
        raise TypeError(f"a batch takes a BatchModel, not a {name}: give BatchModel({name}(…), prompt=…), of {where}")


def check_model(given: Any, kind: type, wanted: str) -> None:
    """Look whether a ``BatchModel`` is given a model of its framework.

    Args:
        given: in the place of a model.
        kind: what all models of the framework are.
        wanted: how to call such a model.

    Raises:
        TypeError: if it is something else, as another framework's model is.
    """
    if not isinstance(given, kind):
        other = _batch_of(given)
        there = f"; take the BatchModel of {other} for it" if other else ""
        raise TypeError(f"this BatchModel takes {wanted}, not a {type(given).__name__}{there}")


def _batch_of(given: Any) -> str | None:
    """Where the ``BatchModel`` of the framework is that an object belongs to, by the classes that it is."""
    roots = {each.__module__.partition(".")[0] for each in type(given).__mro__}
    return next((where for framework, where in _BATCHES.items() if framework in roots), None)
