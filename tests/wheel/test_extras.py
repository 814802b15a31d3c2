"""The built wheel, installed with each extra alone in an empty environment: ``make test-wheel``."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

pytestmark = [pytest.mark.wheel, pytest.mark.enable_socket, pytest.mark.timeout(900)]

ROOT: Final = Path(__file__).parents[2]
FRAMEWORKS: Final = {"langchain_core": "portkey_langchain", "llama_index": "portkey_llamaindex"}
"""What each plugin stands on."""
ROOMS: Final[dict[str, tuple[str, ...]]] = {
    "": ("portkey_gateway",),
    "langchain": ("portkey_gateway", "portkey_langchain"),
    "llamaindex": ("portkey_gateway", "portkey_llamaindex"),
    "otel": ("portkey_gateway", "portkey_gateway.tracing.export"),
    "sandbox": ("portkey_gateway", "portkey_gateway.sandbox"),
    "prices": ("portkey_gateway", "genai_prices"),
    "plot": ("portkey_gateway", "matplotlib"),
    "batch": ("portkey_gateway.batch", "tqdm"),
    "parquet": ("portkey_gateway.batch", "pyarrow.parquet"),
    "ray": ("portkey_gateway.batch.on_ray",),
    "all": ("portkey_gateway", "portkey_gateway.sandbox", "portkey_langchain", "portkey_llamaindex"),
}
"""What can be imported with an extra."""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603


def uv(*arguments: str | Path) -> None:
    told = run(sys.executable, "-m", "uv", *arguments)
    assert told.returncode == 0, told.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--quiet", "--wheel", "--out-dir", folder)
    (built,) = folder.glob("*.whl")
    return built


def installed(wheel: Path, extra: str, folder: Path) -> Path:
    """The Python of an empty environment that holds the wheel with one extra."""
    python = folder / "bin" / "python"
    uv("venv", "--quiet", "--python", sys.executable, folder)
    uv("pip", "install", "--quiet", "--python", python, f"{wheel}[{extra}]" if extra else str(wheel))
    uv("pip", "check", "--quiet", "--python", python)
    return python


@pytest.mark.parametrize("extra", ROOMS)
def test_an_extra_alone(wheel: Path, extra: str, tmp_path: Path) -> None:
    python = installed(wheel, extra, tmp_path / "env")
    for room in ROOMS[extra]:
        told = run(python, "-I", "-W", "error", "-c", f"import {room}")
        assert (told.returncode, told.stderr) == (0, ""), room
    for framework, plugin in FRAMEWORKS.items():
        is_there = run(python, "-I", "-c", f"import {framework}").returncode == 0
        assert is_there == (plugin in ROOMS[extra])
        if not is_there:
            told = run(python, "-I", "-c", f"import {plugin}")
            hint = f'pip install "portkey-frameworks[{plugin.removeprefix("portkey_")}]"'
            assert hint in told.stderr.splitlines()[-1]


def test_what_the_wheel_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"portkey_gateway", "portkey_langchain", "portkey_llamaindex"}
    assert {f"{top}/py.typed" for top in tops} < {*names}
    there = {str(path.relative_to(ROOT)) for top in tops for path in (ROOT / top).rglob("*") if path.is_file()}
    assert {name for name in there if "__pycache__" not in name} == {name for name in names if ".dist-info" not in name}
