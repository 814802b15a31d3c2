"""``python -m scripts.pin_direct``: a resolution's pins of what the package itself asks for, to constrain another.

The lowest versions that ``pyproject.toml`` allows are to be tested with test tools of today, so only the package's own
dependencies, those of its extras included, are held to them.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def direct_names(project: str) -> set[str]:
    """The names of all packages that a ``pyproject.toml`` asks for, with and without extras, but for its own."""
    told = tomllib.loads(project)["project"]
    asked = [*told["dependencies"], *(one for extra in told["optional-dependencies"].values() for one in extra)]
    return {Requirement(one).name for one in asked} - {told["name"]}


def pins_of(resolution: str, names: set[str]) -> list[str]:
    """The lines of a resolution that pin one of these packages."""
    return [line for line in resolution.splitlines() if line and Requirement(line).name in names]


if __name__ == "__main__":
    sys.stdout.write("\n".join(pins_of(sys.stdin.read(), direct_names(PROJECT.read_text()))) + "\n")
