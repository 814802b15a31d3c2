"""The page about traces names every attribute that a span may have."""

from __future__ import annotations

from pathlib import Path

from portkey_gateway.tracing import openinference, semconv

PAGE = Path(__file__).parents[2] / "docs" / "tracing.md"


def test_every_attribute_stands_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = [
        value
        for module in (semconv, openinference)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and "." in value and not name.startswith("_")
    ]
    names += [*openinference._SAME.values(), *openinference._MIME_TYPES.values()]
    assert len(names) > 60
    missing = [
        name for name in names if f"`{name}`" not in page and f"`….{name.removeprefix('gen_ai.request.')}`" not in page
    ]
    assert missing == []
