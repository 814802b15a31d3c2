"""Prompts and partials from a folder, read anew for every request, so that a saved file is an updated prompt.

```
prompts/
  pp-support/            one prompt, by its slug
    1.json               its versions
    2.json
    prompt.json          {"published": 1, "labels": {"staging": 2}}; without it the latest version is published
  partials/
    pp-tone/
      1.mustache
```

A version holds what Portkey's API takes to create one: `string` (messages as JSON text, or with `is_raw_template: 1` a
Mustache template of that text), `model`, `parameters`, `tools`, `tool_choice`, `virtual_key`. Messages may also stand
under `messages` as they are.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from portkey_gateway.sandbox.control_plane.errors import invalid, not_found

_PARTIALS: Final = "partials"
_SLUG: Final = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """One version of a prompt.

    Attributes:
        slug: The prompt.
        number: The version.
        labels: Names that it bears.
        string: The template, as the API tells it.
        is_raw: Whether the template is rendered before it is read as JSON.
        model: The model that it asks.
        virtual_key: The provider by which it asks.
        parameters: What else it asks for, tools among it.
    """

    slug: str
    number: int
    labels: tuple[str, ...]
    string: str
    is_raw: bool
    model: str
    virtual_key: str
    parameters: dict[str, Any]


class PromptFolder:
    """The prompts in a folder.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, slug: str, version: str) -> PromptVersion:
        """Find a version of a prompt.

        Args:
            slug: The prompt.
            version: A number, `latest`, `default` for the published one, or a label.

        Raises:
            ControlPlaneError: There is no such prompt or version, or its file cannot be read.
        """
        numbers = _versions(self._path / slug, "json") if _SLUG.fullmatch(slug) and slug != _PARTIALS else []
        if not numbers:
            raise not_found(f"Prompt {slug} not found")
        told = self._read(self._path / slug / "prompt.json") if (self._path / slug / "prompt.json").exists() else {}
        labels: dict[str, int] = told.get("labels", {})
        known = {"default": told.get("published", numbers[-1]), "latest": numbers[-1], **labels}
        number = int(version) if version.isdecimal() else known.get(version, 0)
        if number not in numbers:
            raise not_found(f"Prompt {slug} has no version {version}")
        saved = self._read(self._path / slug / f"{number}.json")
        messages = saved.get("messages")
        tools = {name: saved[name] for name in ("tools", "tool_choice", "functions") if saved.get(name)}
        return PromptVersion(
            slug=slug,
            number=number,
            labels=tuple(label for label, of in labels.items() if of == number),
            string=saved.get("string", "") if messages is None else json.dumps(messages, ensure_ascii=False),
            is_raw=bool(saved.get("is_raw_template")),
            model=saved.get("model", ""),
            virtual_key=saved.get("virtual_key", ""),
            parameters={**saved.get("parameters", {}), **tools},
        )

    def partial(self, reference: str) -> str | None:
        """Return the text of a partial, `id` or `id@5`, or `None` if there is none."""
        slug, _, version = reference.partition("@")
        numbers = _versions(self._path / _PARTIALS / slug, "mustache") if _SLUG.fullmatch(slug) else []
        number = int(version) if version.isdecimal() else (numbers or [0])[-1]
        if number not in numbers:
            return None
        return (self._path / _PARTIALS / slug / f"{number}.mustache").read_text(encoding="utf-8").removesuffix("\n")

    @staticmethod
    def _read(path: Path) -> dict[str, Any]:
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise invalid(f"{path.name} cannot be read: {error}") from error
        if not isinstance(read, dict):
            raise invalid(f"{path.name} holds no JSON object")
        return read


def _versions(folder: Path, ending: str) -> list[int]:
    """Return the numbers of the versions in a folder."""
    return sorted(int(file.stem) for file in folder.glob(f"*.{ending}") if file.stem.isdecimal())
