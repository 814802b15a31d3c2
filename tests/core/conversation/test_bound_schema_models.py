"""Models and typed dictionaries, as people write them, in the words that bind Claude."""

import json
from datetime import date, datetime
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NotRequired, Optional
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, RootModel, TypeAdapter
from typing_extensions import TypedDict

from portkey_gateway.sandbox.claude.errors import ClaudeError
from tests.core.conversation.schemas import bound, is_valid, judge


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Place(BaseModel):
    """Where it is."""

    name: str
    zone: Literal["UTC", "CET"] = "UTC"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    friend: Cat | None = None


class Order(BaseModel):
    """All that can be said, in one."""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=1, le=9)]
    note: str = Field(max_length=20, pattern="^a*$", description="What else?")
    size: Size
    level: Level | None
    to: Place
    places: list[Place] = Field(min_length=1, max_length=3)
    either: int | str
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    fixed: Literal["a", 1] | None
    at: datetime
    day: Optional[date] = None  # noqa: UP045  # as many write it
    key: UUID
    link: HttpUrl | None = None
    amount: float = 0.5


class Ask(TypedDict):
    """A question."""

    words: Annotated[str, Field(description="What is asked.")]
    places: NotRequired[list[Place]]


class Short(TypedDict, total=False):
    words: str


class Nothing(BaseModel):
    pass


class Tree(BaseModel):
    children: "list[Tree]" = []


class Wrapped(RootModel[Place]):
    pass


ORDER = {
    "count": 1,
    "note": "a",
    "size": "s",
    "level": 2,
    "to": {"name": "Köln", "zone": "CET"},
    "places": [{"name": "Zürich"}],
    "either": "b",
    "pet": {"kind": "dog", "friend": None},
    "fixed": None,
    "at": "2026-01-01T00:00:00Z",
    "key": "12345678-1234-5678-1234-567812345678",
    "link": "https://example.com/",
}


def test_a_model_of_everything_that_can_be_said() -> None:
    made = bound(Order.model_json_schema())

    properties = made["properties"]
    assert properties["count"] == {"title": "Count", "type": "integer", "description": "maximum: 9, minimum: 1"}
    assert properties["note"]["description"] == "What else? (maxLength: 20, pattern: ^a*$)"
    assert properties["places"]["items"] == {"$ref": "#/$defs/Place"}
    assert properties["places"]["minItems"] == 1
    assert properties["pet"]["anyOf"] == [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]
    assert properties["at"]["format"] == "date-time"
    assert made["required"] == [name for name in Order.model_fields if name not in {"day", "link", "amount"}]
    assert made["$defs"]["Size"] == {"title": "Size", "type": "string", "enum": ["s", "l"]}
    assert made["$defs"]["Place"]["description"] == "Where it is."
    assert is_valid(ORDER, made)
    assert Order.model_validate_json(json.dumps(ORDER), strict=True).pet == Dog(kind="dog")


@pytest.mark.parametrize("made_of", [Order, Place, Cat, Dog, Ask, Short, Nothing, Wrapped])
def test_models_and_typed_dictionaries_bind(made_of: Any) -> None:
    assert bound(TypeAdapter(made_of).json_schema()) is not None


def test_a_model_of_nothing_but_another_is_that_one() -> None:
    made = bound(Wrapped.model_json_schema())
    assert made.pop("$defs").keys() == {"Place"}
    assert made == bound(Place.model_json_schema())


@pytest.mark.parametrize(
    "annotation",
    [
        dict[str, int],
        dict[str, Any] | None,
        dict[Size, str],
        list[dict[str, str]],
        dict,
        list,
        list[Any],
        Any,
        object,
        tuple[int, str],
        tuple[int, ...] | tuple[str, int],
        Tree,
        Tree | None,
        list[Tree],
    ],
)
def test_what_a_model_cannot_say_binds_nothing(annotation: Any) -> None:
    class Holder(BaseModel):
        held: annotation  # pyright: ignore[reportInvalidTypeForm]  # the point of the test

    assert bound(Holder.model_json_schema()) is None


@pytest.mark.parametrize("annotation", [list[int], dict[str, int], Cat | Dog, Tree, int, Literal["a"], Size])
def test_what_is_no_object_of_known_properties_binds_nothing(annotation: Any) -> None:
    assert bound(TypeAdapter(annotation).json_schema()) is None


def test_sets_and_sequences_of_one_type_are_lists() -> None:
    class Holder(BaseModel):
        unique: set[int]
        some: tuple[int, ...]

    properties = bound(Holder.model_json_schema())["properties"]
    assert properties["unique"]["items"] == properties["some"]["items"] == {"type": "integer"}
    assert properties["unique"]["description"] == "uniqueItems: True"


def test_the_judge_refuses_what_was_not_said_otherwise() -> None:
    with pytest.raises(ClaudeError, match="additionalProperties"):
        judge(Place.model_json_schema())
    judge(bound(Place.model_json_schema()))
