"""What is made of an object's options, kept as long as these are as they were: they may be set, or changed in place."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class Kept(Generic[T]):
    """Something that was made of the fields of an object. It is no part of that object: copies make their own."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: tuple[tuple[Any, ...], T] | None = None

    def get(self, fields: Mapping[str, Any], names: Iterable[str], make: Callable[[], T]) -> T:
        """Return it, made anew if one of the fields is another than it was.

        Args:
            fields: those of the object.
            names: of the fields that it is made of.
            make: makes it.
        """
        given = tuple(map(fields.get, names))
        known = self._known
        if known is not None and known[0] == given:
            return known[1]
        made = make()
        # Of what may be changed in place as it is now.
        seen = tuple(copy.deepcopy(value) if isinstance(value, dict | list) else value for value in given)
        self._known = seen, made
        return made

    def __copy__(self) -> Self:
        return type(self)()

    def __deepcopy__(self, memo: Any) -> Self:
        return type(self)()

    def __reduce__(self) -> Any:
        return type(self), ()

    def __eq__(self, other: object) -> bool:
        """Objects with the same options are equal, whatever was made of these."""
        return isinstance(other, Kept)

    def __hash__(self) -> int:
        return hash(Kept)


def find_kept(model: BaseModel, name: str) -> Kept[Any]:
    """What an object keeps under a private name; nothing yet, where it has no such name.

    So it is with an object that another version of this package has pickled. Asked for as an attribute, pydantic finds
    it after two searches that fail, which takes 2 µs.

    Args:
        model: the object.
        name: of its private attribute.
    """
    kept: Kept[Any] | None = (model.__pydantic_private__ or {}).get(name)
    return Kept() if kept is None else kept
