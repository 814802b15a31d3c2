"""The picture of the rooms: the layers that ``make imports`` holds, and what each room says of itself."""

from __future__ import annotations

import ast
import re
import textwrap
import tomllib
from html import escape
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PICTURE: Final = ROOT / "docs" / "images" / "rooms.svg"

_WIDTH: Final = 1000
_HEIGHT, _GAP = 56, 8
_LINES: Final = 2
_LETTER: Final = 6.2  # of the small text, in units of the picture
_COLOURS: Final = {"plugin": "#fff0d6", "room": "#dfe8fb", "file": "#f3f3f1"}


def render_rooms_picture() -> str:
    """Render the picture as SVG."""
    rows = [["portkey_langchain", "portkey_llamaindex"], *_layers()]
    height = len(rows) * (_HEIGHT + _GAP) + _GAP
    boxes = "".join(_row(names, _GAP + number * (_HEIGHT + _GAP)) for number, names in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        f'text-anchor="middle">\n<rect width="{_WIDTH}" height="{height}" fill="white"/>\n{boxes}</svg>\n'
    )


def _layers() -> list[list[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return [layer.split(" | ") for layer in layers]


def _row(names: list[str], top: int) -> str:
    width = (_WIDTH - _GAP) / len(names) - _GAP
    return "".join(_box(name, _GAP + number * (width + _GAP), top, width) for number, name in enumerate(names))


def _box(name: str, left: float, top: int, width: float) -> str:
    is_plugin = name.startswith("portkey_")
    home = ROOT / name if is_plugin else ROOT / "portkey_gateway" / name
    kind = "plugin" if is_plugin else "room" if home.is_dir() else "file"
    doc = ast.get_docstring(ast.parse(_source(home))) or ""
    middle = f"{left + width / 2:.1f}"
    lines = "".join(
        f'<text x="{middle}" y="{top + 33 + 14 * number}" font-size="11.5" fill="#444">{escape(line)}</text>'
        for number, line in enumerate(_in_short(doc, width))
    )
    return (
        f'<g><rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_HEIGHT}" rx="6" fill="{_COLOURS[kind]}" '
        f'stroke="#9aa4b8"/><text x="{middle}" y="{top + 17}" font-size="14" font-weight="bold">{name}</text>'
        f"{lines}</g>\n"
    )


def _source(home: Path) -> str:
    return (home / "__init__.py" if home.is_dir() else home.with_suffix(".py")).read_text(encoding="utf-8")


def _in_short(doc: str, width: float) -> list[str]:
    """What a docstring's first line says, in as many lines as there is room for."""
    said = doc.splitlines()[0].replace("`", "").rstrip(".")
    letters = int(width / _LETTER)
    if len(said) > letters * _LINES - _LINES:
        said = re.split(r"[:;]", said, maxsplit=1)[0]
    return textwrap.wrap(said, letters, max_lines=_LINES, placeholder=" …")
