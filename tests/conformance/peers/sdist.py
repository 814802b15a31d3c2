"""Their source distribution, which has the tests and the recorded answers: downloaded once, verified, unpacked."""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from portkey_gateway.sandbox.install import cache_directory
from tests.conformance.peers.results import BUILD

VERSION: Final = "1.7.10"
"""Of langchain-anthropic; `pyproject.toml` pins the same among `peers`, so that tests and package belong together."""

SHA256: Final = "72869686960b3d6665f99e7c91c9f6dd4a1d9ccf73d23edd8702eb603cc2e498"

_STEM: Final = f"langchain_anthropic-{VERSION}"


class SdistError(Exception):
    """What was downloaded is not what is wanted, or nothing was."""


def is_genuine(archive: Path) -> bool:
    """Return whether a file is there and is the one whose hash is kept here."""
    return archive.is_file() and hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256


def download(tell: Callable[[str], object]) -> Path:
    """Return the archive in the user's cache directory, downloaded by pip if it is not there.

    Raises:
        SdistError: pip failed, or brought something else.
    """
    archive = cache_directory() / "peers" / f"{_STEM}.tar.gz"
    if is_genuine(archive):
        return archive
    tell(f"Downloading the tests of langchain-anthropic {VERSION} (1 MB, once) ...")
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        # pip runs the archive's own build code to read its metadata; given the hash, it checks that first.
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(f"langchain-anthropic=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        only_source = ["--no-deps", "--no-binary", "langchain-anthropic", "--require-hashes"]
        ended = subprocess.run(  # noqa: S603 - our own interpreter
            [*pip, *only_source, "--dest", folder, "--requirement", str(wanted)], check=False
        )
        found = Path(folder) / archive.name
        if ended.returncode or not is_genuine(found):
            raise SdistError(f"pip did not bring {archive.name} with the SHA-256 {SHA256}")
        found.replace(archive)
    return archive


def unpack(archive: Path) -> Path:
    """Unpack the archive afresh into the build folder and return where it lies there."""
    folder = BUILD / "sdist"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return unpacked()


def unpacked() -> Path:
    """Return where the unpacked archive lies."""
    return BUILD / "sdist" / _STEM
