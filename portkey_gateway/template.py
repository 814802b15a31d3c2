"""Copies of an object of pydantic's, with some fields of their own: its constructors take several times as long.

What a copy is made by is Python's own protocol of pickles (``__getstate__``, ``__setstate__``). Nothing is validated:
it is for objects of which one was made by its constructor, and whose other fields are of the same kind; a test for each
holds what comes of it beside what the constructor makes.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel

ModelT = TypeVar("ModelT", bound=BaseModel)


class Template(Generic[ModelT]):
    """Makes copies of an object.

    Args:
        model: as its constructor made it; what may be changed in its copies is given anew each time.
    """

    __slots__ = ("_class", "_fields", "_set", "_state")

    def __init__(self, model: ModelT) -> None:
        self._class = type(model)
        state: dict[str, Any] = {**model.__getstate__()}
        self._fields: dict[str, Any] = state.pop("__dict__")
        self._set: set[str] = state.pop("__pydantic_fields_set__")
        self._state = state

    def copy(self, fields: dict[str, Any]) -> ModelT:
        """Make a copy.

        Args:
            fields: those that are another than the object's.
        """
        made = self._class.__new__(self._class)
        state: dict[str, Any] = {"__dict__": {**self._fields, **fields}, "__pydantic_fields_set__": {*self._set}}
        # What users set on a copy that is no field, pydantic puts into a mapping beside the fields.
        state |= {name: value.copy() if type(value) is dict else value for name, value in self._state.items()}
        made.__setstate__(state)
        return made
