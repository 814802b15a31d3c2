"""Keeps whatever goes wrong from the user's call, and logs the first time."""

from __future__ import annotations

import logging
from types import TracebackType


class Unnoticed:
    """A context manager that does so; one for all of a receiver, since it is entered several times for every step.

    Args:
        logger: of whoever it is for.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._has_failed = False

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.note(error)
        return True

    def note(self, error: Exception) -> None:
        """Log what went wrong, if it is the first."""
        if not self._has_failed:
            self._has_failed = True
            self._logger.warning("A span could not be made; further ones are not logged", exc_info=error)
