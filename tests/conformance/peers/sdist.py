"""Source distributions of others, which have tests and recorded answers: downloaded once, verified, unpacked."""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from portkey_gateway.sandbox.install import cache_directory
from tests.conformance.peers.results import BUILD


class SdistError(Exception):
    """What was downloaded is not what is wanted, or nothing was."""


@dataclass(frozen=True)
class Sdist:
    """One of them, of the version that is installed from the pinned requirements, so that tests and package fit."""

    package: str
    version: str
    sha256: str

    @property
    def stem(self) -> str:
        """The archive's name without its ending, and that of the folder in it."""
        return f"{self.package.replace('-', '_')}-{self.version}"

    def is_genuine(self, archive: Path) -> bool:
        """Return whether a file is there and is the one whose hash is kept here."""
        return archive.is_file() and hashlib.sha256(archive.read_bytes()).hexdigest() == self.sha256

    def download(self, tell: Callable[[str], object]) -> Path:
        """Return the archive in the user's cache directory, downloaded by pip if it is not there.

        Raises:
            SdistError: pip failed, or brought something else.
        """
        archive = cache_directory() / "peers" / f"{self.stem}.tar.gz"
        if self.is_genuine(archive):
            return archive
        tell(f"Downloading the tests of {self.package} {self.version} (some MB, once) ...")
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
            # pip runs the archive's own build code to read its metadata; given the hash, it checks that first.
            wanted = Path(folder) / "wanted.txt"
            wanted.write_text(f"{self.package}=={self.version} --hash=sha256:{self.sha256}\n", encoding="utf-8")
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
            only_source = ["--no-deps", "--no-binary", self.package, "--require-hashes"]
            ended = subprocess.run(  # noqa: S603 - our own interpreter
                [*pip, *only_source, "--dest", folder, "--requirement", str(wanted)], check=False
            )
            found = Path(folder) / archive.name
            if ended.returncode or not self.is_genuine(found):
                raise SdistError(f"pip did not bring {archive.name} with the SHA-256 {self.sha256}")
            found.replace(archive)
        return archive

    def unpack(self, archive: Path) -> Path:
        """Unpack the archive afresh into the build folder and return where it lies there."""
        folder = BUILD / "sdist" / self.package
        shutil.rmtree(folder, ignore_errors=True)
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        return self.unpacked()

    def unpacked(self) -> Path:
        """Return where the unpacked archive lies."""
        return BUILD / "sdist" / self.package / self.stem


ANTHROPIC: Final = Sdist(
    "langchain-anthropic", "1.7.10", "72869686960b3d6665f99e7c91c9f6dd4a1d9ccf73d23edd8702eb603cc2e498"
)
OPENAI: Final = Sdist("langchain-openai", "1.7.4", "8fd90e41588526d990f32262447adf8e130d7ce28ed66cefa315e64cc9dd12ce")
