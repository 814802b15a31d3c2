"""Copies of an object of pydantic's, with some fields of their own: its constructors take several times as long.

What a copy consists of is what Python's own protocol of pickles tells of the object (``__getstate__``). Nothing is
validated: it is for objects of which one was made by its constructor, and whose other fields are of the same kind; a
test for each holds what comes of it beside what the constructor makes.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel

ModelT = TypeVar("ModelT", bound=BaseModel)

# That of pydantic's classes looks for a field first; ``__setstate__`` sets by this one, too, and takes twice as long.
_set: Final = object.__setattr__


class Template(Generic[ModelT]):
    """Makes copies of an object.

    Args:
        model: as its constructor made it; what may be changed in its copies is given anew each time.
    """

    __slots__ = ("_class", "_fields", "_set_fields", "_state")

    def __init__(self, model: ModelT) -> None:
        self._class = type(model)
        state: dict[str, Any] = {**model.__getstate__()}
        self._fields: dict[str, Any] = state.pop("__dict__")
        self._set_fields: set[str] = state.pop("__pydantic_fields_set__")
        self._state = tuple(state.items())

    def copy(self, fields: dict[str, Any]) -> ModelT:
        """Make a copy.

        Args:
            fields: those that are another than the object's.
        """
        made = self._class.__new__(self._class)
        _set(made, "__dict__", {**self._fields, **fields})
        _set(made, "__pydantic_fields_set__", {*self._set_fields})
        for name, value in self._state:
            # What users set on a copy that is no field, pydantic puts into a mapping beside the fields.
            _set(made, name, value.copy() if type(value) is dict else value)
        return made
