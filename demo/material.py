"""What the shows ask about: a picture, a long prompt, two tools, a few facts, and what the prompt cache saves."""

from __future__ import annotations

import io
import uuid

from PIL import Image
from pydantic import BaseModel

PICTURE_SAYS = "(a 320 x 180 PNG, filled with crimson #dc143c) What do you see? Give its size and colour."
PICTURE_QUESTION = "What do you see? Give its size and colour."
RULE_QUESTIONS = ("What is rule 7?", "What is rule 12?")
TOOL_QUESTION = "What is the weather in Paris and in Oslo?"
TIMETABLE = "The ferry to Laboe leaves at 10:15.\nThe ferry to Strande leaves at 11:40.\nDogs travel free."
TIMETABLE_QUESTION = "When does the ferry to Strande leave?"
SEARCH_QUESTION = "Search the web for lighthouses."
WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
PLACES = [
    "The harbour of Kiel is twelve metres deep.",
    "Rye bread is baked for two hours.",
    "The lighthouse of Bülk shows a light every three seconds.",
]
PLACE_QUESTION = "How deep is the harbour of Kiel?"
TRIP_QUESTION = "Book me a trip: 3 nights in Lisbon."
CACHE_HEADS = ("call", "input", "written", "read", "output", "price of the input")
CACHE_NOTE = "\n            (tokens of the call's usage; the price is relative to the same prompt without a cache)"

# Anthropic's price of input tokens, by what the prompt cache did with them (docs, "Prompt caching": 5-minute cache).
_WRITE_PRICE = 1.25
_READ_PRICE = 0.1


class Trip(BaseModel):
    """A trip to book."""

    city: str
    nights: int


def picture() -> bytes:
    """A PNG made on the spot, so that what the model sees can be checked."""
    file = io.BytesIO()
    Image.new("RGB", (320, 180), (220, 20, 60)).save(file, "PNG")
    return file.getvalue()


def house_rules() -> str:
    """A system prompt long enough to be cached, with a number of its own so that no earlier run has cached it."""
    rules = "\n".join(f"Rule {number} of the house: keep answer {number} short." for number in range(1, 401))
    return f"House {uuid.uuid4()}.\n{rules}"


def cache_row(number: int, input_tokens: int, written: int, read: int, output_tokens: int) -> tuple[str, ...]:
    """The figures of one call as a row under ``CACHE_HEADS``."""
    plain = input_tokens - written - read
    price = (plain + written * _WRITE_PRICE + read * _READ_PRICE) / input_tokens
    return (f"{number}.", *map(str, (input_tokens, written, read, output_tokens)), f"{price:.0%}")


def get_weather(city: str) -> str:
    """Get today's weather in a city."""
    return {"Paris": "18 degrees, sunny", "Oslo": "4 degrees, snow"}.get(city, "unknown")


def get_population(city: str) -> str:
    """Get the number of people who live in a city."""
    return {"Paris": "2.1 million", "Oslo": "0.7 million"}.get(city, "unknown")
