"""The core's errors as LangChain's own: each is also the ``langchain_core.exceptions`` class of its kind.

So ``with_retry``, ``with_fallbacks`` and retry middleware work on them, and code that catches either keeps working.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Final

from langchain_core import exceptions as langchain

from portkey_gateway import errors as core

_TWINS: Final[dict[type[core.PortkeyError], type[langchain.ModelError]]] = {
    core.EncodingError: langchain.ModelInvalidRequestError,
    core.BadRequestError: langchain.ModelInvalidRequestError,
    core.ContextOverflowError: langchain.ContextOverflowError,
    core.RequestTooLargeError: langchain.ModelInvalidRequestError,
    core.UnprocessableEntityError: langchain.ModelInvalidRequestError,
    core.AuthenticationError: langchain.ModelAuthenticationError,
    core.PermissionDeniedError: langchain.ModelPermissionDeniedError,
    core.NotFoundError: langchain.ModelNotFoundError,
    core.RequestTimeoutError: langchain.ModelTimeoutError,
    core.RateLimitError: langchain.ModelRateLimitError,
    core.ServerError: langchain.ModelAPIError,
    core.APITimeoutError: langchain.ModelTimeoutError,
    core.APIConnectionError: langchain.ModelConnectionError,
    core.StreamError: langchain.ModelAPIError,
    core.StreamInterruptedError: langchain.ModelConnectionError,
    core.StreamTimeoutError: langchain.ModelTimeoutError,
    core.PortkeyError: langchain.ModelError,
}
"""The nearest class on the way up the core's tree counts."""


def _all_kinds(kind: type[core.PortkeyError]) -> Iterator[type[core.PortkeyError]]:
    yield kind
    for narrower in kind.__subclasses__():
        if narrower.__module__ == core.__name__:
            yield from _all_kinds(narrower)


def _combine(kind: type[core.PortkeyError]) -> type[core.PortkeyError]:
    twin = next(_TWINS[ancestor] for ancestor in kind.__mro__ if ancestor in _TWINS)
    return type(kind.__name__, (kind, twin), {"__module__": __name__, "__doc__": kind.__doc__})


COMBINED: Final = {kind: _combine(kind) for kind in _all_kinds(core.PortkeyError)}
"""By class of the core, the class that is also LangChain's; it bears the same name."""

# A pickled error is found again by its name in this module.
globals().update({combined.__name__: combined for combined in COMBINED.values()})


class _AsLangChainErrors:
    """Raises the core's errors as LangChain's; it keeps nothing, so that all calls share one."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Nothing begins."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, core.PortkeyError) or isinstance(error, langchain.ModelError):
            return
        raised = COMBINED[type(error)](error.message)
        raised.__dict__.update(error.__dict__)
        try:
            raise raised.with_traceback(error.__traceback__) from error.__cause__
        finally:
            # This frame stands in the traceback: with these it would be a circle, and hold the request.
            del error, raised, trace


_AS_LANGCHAIN_ERRORS: Final = _AsLangChainErrors()


def as_langchain_errors() -> _AsLangChainErrors:
    """Raise the core's errors as LangChain's: a context manager around a call."""
    return _AS_LANGCHAIN_ERRORS
