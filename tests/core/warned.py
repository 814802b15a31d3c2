"""All that is warned of, word for word, for tests that want to see nothing more and nothing less."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from portkey_gateway import PortkeyWarning


@contextmanager
def warned() -> Iterator[list[str]]:
    """The warnings of what runs inside, in their order; the list is filled when it has run."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
    assert all(issubclass(each.category, PortkeyWarning) for each in caught)
    texts += [str(each.message) for each in caught]
