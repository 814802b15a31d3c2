"""Which prompt, in which version: pure."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from portkey_gateway.errors import EncodingError


class PromptReference(NamedTuple):
    """A prompt of the library."""

    id: str
    """Its slug, ``pp-…``, or its UUID."""
    version: str
    """A number, ``latest`` or a label such as ``staging``; empty for the published one."""

    @property
    def path(self) -> str:
        """Where its routes stand."""
        version = f"@{quote(self.version, safe='')}" if self.version else ""
        return f"/prompts/{quote(self.id, safe='')}{version}"

    @property
    def details_path(self) -> str:
        """Where the template itself is told.

        The query is that of Portkey's Terraform provider (``internal/client/client.go``), which knows ``default``,
        ``latest`` and numbers.
        """
        return f"/prompts/{quote(self.id, safe='')}?version={quote(self.version or 'default', safe='')}"


def read_reference(prompt_id: str) -> PromptReference:
    """Read ``id``, ``id@12``, ``id@latest`` or ``id@label`` (Portkey's docs, "Prompt Versioning & Labels").

    Raises:
        EncodingError: if there is no id, or nothing behind the ``@``.
    """
    name, at, version = prompt_id.strip().partition("@")
    if not name:
        raise EncodingError("prompt_id is empty: give the id that Portkey's prompt library shows, such as 'pp-…'")
    if at and not version:
        raise EncodingError(
            f"prompt_id {prompt_id!r} names no version: write id@12, id@latest, id@label, or the id alone"
        )
    return PromptReference(name, version)
