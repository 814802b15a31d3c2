"""The check of JSON against types, and that it understands every type of Anthropic's SDK it is given."""

from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, Required, TypedDict, Union, get_args, get_origin

import pytest
from anthropic.types import MessageCountTokensParams
from anthropic.types.beta.message_create_params import MessageCreateParamsBase as BetaMessageCreateParamsBase
from anthropic.types.message_create_params import MessageCreateParamsBase
from pydantic import BaseModel
from typing_extensions import is_typeddict

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.shape import check_shape, fields_of


class Circle(TypedDict, total=False):
    type: Required[Literal["circle"]]
    radius: Required[float]


class Square(TypedDict, total=False):
    type: Literal["square"] | None
    side: Required[int]


class Drawing(TypedDict, total=False):
    shapes: list[Circle | Square]
    labels: dict[str, str | None]
    visible: bool
    source: str | Path


@pytest.mark.parametrize(
    "drawing",
    [
        {},
        {"shapes": []},
        {"shapes": [{"type": "circle", "radius": 1}, {"type": "circle", "radius": 1.5}]},
        {"shapes": [{"side": 2}, {"type": None, "side": 2}, {"type": "square", "side": 2}]},
        {"labels": {"a": "b", "c": None}, "visible": False, "source": "here"},
    ],
)
def test_what_fits_passes(drawing: dict[str, Any]) -> None:
    assert check_shape(drawing, Drawing, "") is None  # type: ignore[func-returns-value]  # that it returns is the point


@pytest.mark.parametrize(
    ("drawing", "message"),
    [
        ([], "Input should be a valid dictionary"),
        ({"shapes": {}}, "shapes: Input should be a valid list"),
        ({"shapes": [1]}, "shapes.0: Input should be a valid dictionary"),
        ({"shapes": [{"type": "circle"}]}, "shapes.0.circle.radius: Field required"),
        ({"shapes": [{"radius": 1}]}, "shapes.0.square.side: Field required"),
        ({"shapes": [{"side": 1.5}]}, "shapes.0.square.side: Input should be a valid integer"),
        ({"shapes": [{"side": 1, "top": 0}]}, "shapes.0.square.top: Extra inputs are not permitted"),
        (
            {"shapes": [{"type": "star"}]},
            "shapes.0: Input tag 'star' found using 'type' does not match any of the expected tags: 'circle', 'square'",
        ),
        ({"labels": {"a": 1}}, "labels.a: Input should be a valid string"),
        ({"visible": 1}, "visible: Input should be a valid boolean"),
        ({"source": 1}, "source: Input should be a valid string"),
    ],
)
def test_the_first_mismatch_is_named(drawing: object, message: str) -> None:
    with pytest.raises(ClaudeError) as caught:
        check_shape(drawing, Drawing, "")

    assert caught.value.message == message


def annotations_of(annotation: Any, seen: set[Any]) -> Iterator[Any]:
    """Yield everything a type is made of, down to what has no parts."""
    if is_typeddict(annotation):
        if annotation not in seen:
            seen.add(annotation)
            for field in fields_of(annotation).values():
                yield from annotations_of(field, seen)
    elif get_origin(annotation) in (Literal, Annotated) or not get_args(annotation):
        yield annotation
    else:
        yield get_origin(annotation)
        for part in get_args(annotation):
            yield from annotations_of(part, seen)


@pytest.mark.parametrize(
    "root",
    [MessageCreateParamsBase, MessageCountTokensParams, BetaMessageCreateParamsBase],
    ids=lambda root: root.__name__,
)
def test_every_type_of_the_sdk_is_understood(root: type) -> None:
    seen: set[Any] = set()

    strangers = {annotation for annotation in annotations_of(root, seen) if not is_understood(annotation)}

    assert not strangers
    assert len(seen) > 100
    assert not [typed_dict for typed_dict in seen if typed_dict.__total__]


def is_understood(annotation: Any) -> bool:
    if get_origin(annotation) in (Literal, Annotated):
        return True
    name = getattr(annotation, "__name__", str(annotation))
    json = annotation in (str, int, float, bool, NoneType, object, Required, Union, dict, list)
    files = name in ("IO", "PathLike", "bytes")
    return json or files or name in ("Iterable", "Sequence") or issubclass(annotation, BaseModel)
