"""The pages of the site, put together from the repository: a hook of MkDocs, which builds from ``build/docs``.

The Markdown of ``docs`` reads in the repository as it is. For the site links that lead out of that folder are turned to
copies of what they name, notebooks become pages, and the API's pages are written from ``__all__``.
"""

from __future__ import annotations

import ast
import base64
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
STAGED: Final = ROOT / "build" / "docs"

FENCED: Final = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"(?<=\]\()([^)\s#]*)(#[^)\s]*)?(?=\))")

PAGES: Final = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-faults.md",
}
"""Pages that stand outside of ``docs``, and their names in the site."""

_KEPT: Final = frozenset({".css", ".md", ".png", ".svg", ".json", ".patch"})
API: Final = (
    "portkey_langchain",
    "portkey_llamaindex",
    "portkey_gateway",
    "portkey_gateway.batch",
    "portkey_gateway.sandbox",
)
_OPENING: Final = {
    "portkey_langchain": "LangChain's classes.",
    "portkey_llamaindex": "LlamaIndex's classes.",
    "portkey_gateway": "The core, which needs no framework. Its exceptions have [a page of their own](errors.md).",
    "portkey_gateway.batch": "Many prompts; [that page](../scale.md) shows it at work.",
    "portkey_gateway.sandbox": "The sandbox (extra `sandbox`); [testing](../testing.md) shows it at work.",
}


def on_pre_build(**_: Any) -> None:
    """Stage the site's pages; MkDocs calls it before each build."""
    stage(STAGED)


def stage(place: Path) -> None:
    """Write the site's pages into a folder, and take away what is no longer among them.

    Args:
        place: the folder; a file whose content stays as it was is not touched, so that a server that watches it rests.
    """
    files = dict(_staged())
    for path, content in files.items():
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_bytes() != content:
            file.write_bytes(content)
    for file in place.rglob("*"):
        if file.is_file() and file.relative_to(place).as_posix() not in files:
            file.unlink()


def _staged() -> Iterator[tuple[str, bytes]]:
    """Yield all files of the site: their path in it, and what is in them."""
    copied: set[str] = set()

    def turned(path: str) -> Callable[[str], str]:
        return lambda text: turn_links(text, path, copied.add)

    def page(path: str) -> tuple[str, bytes]:
        return target_of(path), turned(path)((ROOT / path).read_text(encoding="utf-8")).encode()

    for file in sorted((ROOT / "docs").rglob("*")):
        path = file.relative_to(ROOT).as_posix()
        if file.suffix == ".md":
            yield page(path)
        elif file.suffix in _KEPT:
            yield target_of(path), file.read_bytes()
    for path in PAGES:
        yield page(path)
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        path = file.relative_to(ROOT).as_posix()
        text, pictures = render_notebook(json.loads(file.read_text(encoding="utf-8")), file.stem, turned(path))
        yield target_of(path), text.encode()
        yield from ((f"notebooks/{name}", picture) for name, picture in pictures.items())
    for package in API:
        yield from ((f"api/{name}.md", text.encode()) for name, text in render_api(package))
    for path in sorted(copied):
        yield target_of(path), _copy(ROOT / path)


def target_of(path: str) -> str:
    """Return where a file of the repository stands in the site.

    Args:
        path: from the repository's root, as in ``docs/caching.md``.
    """
    if path in PAGES:
        return PAGES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path.startswith("notebooks/") and path.endswith(".ipynb"):
        return f"{path.removesuffix('.ipynb')}.md"
    return f"source/{path.rstrip('/')}.txt"


def turn_links(text: str, path: str, copy: Callable[[str], None]) -> str:
    """Turn a page's links from the repository's places to the site's.

    Args:
        text: the page.
        path: where it stands in the repository.
        copy: is told the path of each file that is linked to and is no page.
    """
    here = PurePosixPath(path).parent

    def turned(found: re.Match[str]) -> str:
        link, anchor = found[1], found[2] or ""
        if not link or ":" in link:
            return found[0]
        named = os.path.normpath(here / link)
        if target_of(named).startswith("source/"):
            copy(named)
        return os.path.relpath(target_of(named), PurePosixPath(target_of(path)).parent) + anchor

    return "".join(part if part.startswith("```") else LINK.sub(turned, part) for part in FENCED.split(text))


def _copy(path: Path) -> bytes:
    if path.is_dir():
        return "\n".join(sorted(file.name for file in path.iterdir() if file.suffix)).encode()
    return path.read_bytes()


def render_notebook(notebook: dict[str, Any], name: str, turned: Callable[[str], str]) -> tuple[str, dict[str, bytes]]:
    """Render a notebook as a page: its texts, its code, and what that put out.

    Args:
        notebook: as it stands in its file.
        name: what the names of its pictures begin with.
        turned: turns the links of its texts.

    Returns:
        The page, and the pictures by their names.
    """
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(turned(source))
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if picture := data.get("image/png"):
                file = f"{name}_{len(pictures) + 1}.png"
                pictures[file] = base64.b64decode(picture)
                parts.append(f"![What this shows]({file})")
            else:
                said = "".join(output.get("text") or data["text/plain"]).rstrip()
                parts.append(f"```text\n{said}\n```")
    return "\n\n".join(parts) + "\n", pictures


def render_api(package: str) -> Iterator[tuple[str, str]]:
    """Render the pages of a package's public names, for mkdocstrings to fill in.

    Args:
        package: its name.
    """
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text(encoding="utf-8"))
    names = public_names(tree)
    homes = _literal(tree, "_HOMES") if package == "portkey_gateway" else None
    ours = [name for name in names if homes is None or name in homes]
    yield package.rpartition(".")[2], _page_of(package, f"`{package}`", _OPENING[package], ours)
    if rest := [name for name in names if name not in ours]:
        opening = "Every way a call can fail. [Errors and retries](../errors.md) tells what to catch when."
        yield "errors", _page_of(package, "Exceptions", opening, rest)


def public_names(tree: ast.Module) -> list[str]:
    """List what a package's ``__all__`` names, those included that are added under a condition."""
    added = [node.value for node in ast.walk(tree) if isinstance(node, ast.AugAssign)]
    return sorted({*_literal(tree, "__all__"), *(name for value in added for name in ast.literal_eval(value))})


def _literal(tree: ast.Module, name: str) -> Any:
    [value] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name
    ]
    return ast.literal_eval(value)


def _page_of(package: str, title: str, opening: str, names: list[str]) -> str:
    return "\n\n".join([f"# {title}", opening, *(f"::: {package}.{name}" for name in names)]) + "\n"
