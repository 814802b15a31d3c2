"""Errors: each body the gateway sends becomes its own class, and keeps what it knows through str, repr and pickle."""

import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from portkey_gateway import errors
from portkey_gateway.errors import PortkeyError, PortkeyWarning
from portkey_gateway.info import GatewayInfo

INFO = GatewayInfo(429, trace_id="trace-1", request_id="req_1", provider="anthropic", retry_after_s=2.0)
CLASSES = [
    error_class
    for _, error_class in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error_class, PortkeyError)
]


def parents(error_class: type[BaseException]) -> set[type]:
    return set(error_class.__mro__)


# --- the tree -------------------------------------------------------------------------------------------------------


def test_the_tree_in_the_docstring_names_every_class() -> None:
    tree = errors.__doc__ or ""
    assert [error_class.__name__ for error_class in CLASSES if error_class.__name__ not in tree] == []
    assert errors.StreamTimeoutError in CLASSES


@pytest.mark.parametrize(
    ("error_class", "bases"),
    [
        (errors.EncodingError, {ValueError}),
        (errors.ContentError, {errors.EncodingError}),
        (errors.ContextOverflowError, {errors.BadRequestError}),
        (errors.OverloadedError, {errors.ServerError}),
        (errors.GatewayFailureError, {errors.ServerError}),
        (errors.ErrorInBodyError, {errors.InvalidResponseError}),
        (errors.HTMLResponseError, {errors.NotJSONError, errors.InvalidResponseError}),
        (errors.APITimeoutError, {errors.APIConnectionError}),
        (errors.StreamTruncatedError, {errors.StreamError}),
        (errors.StreamProviderError, {errors.StreamError}),
        (errors.StreamDecodeError, {errors.StreamError}),
        (errors.StreamInterruptedError, {errors.StreamError, errors.APIConnectionError}),
        (errors.StreamTimeoutError, {errors.StreamError, errors.APITimeoutError}),
    ],
)
def test_what_is_caught_together(error_class: type[PortkeyError], bases: set[type]) -> None:
    assert bases <= parents(error_class)


@pytest.mark.parametrize("error_class", CLASSES, ids=lambda error_class: error_class.__name__)
def test_every_error_keeps_what_it_knows_through_a_pickle(error_class: type[PortkeyError]) -> None:
    error = error_class("no", info=INFO, body={"error": {"message": "no"}})
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is error_class
    assert (copy.message, copy.info, copy.body) == ("no", INFO, {"error": {"message": "no"}})
    assert (copy.is_retryable, str(copy), repr(copy)) == (error.is_retryable, str(error), repr(error))


@pytest.mark.parametrize(("error_type", "is_retryable"), [("overloaded_error", True), ("invalid_request_error", False)])
def test_a_streams_error_keeps_its_type_through_a_pickle(error_type: str, is_retryable: bool) -> None:
    copy = pickle.loads(pickle.dumps(errors.StreamProviderError("no", info=INFO, error_type=error_type)))
    assert (copy.error_type, copy.is_retryable) == (error_type, is_retryable)


def test_the_text_ends_with_the_identifiers_that_support_asks_for() -> None:
    error = errors.RateLimitError("slow down", info=INFO)
    assert str(error) == "slow down (status 429, provider anthropic, request id req_1, trace id trace-1)"
    assert (error.status, error.request_id, error.trace_id, error.provider) == (429, "req_1", "trace-1", "anthropic")
    assert repr(error) == "RateLimitError('slow down')"


def test_without_an_answer_there_are_no_identifiers() -> None:
    error = errors.APIConnectionError("cannot reach it")
    assert str(error) == "cannot reach it"
    assert [error.status, error.request_id, error.trace_id, error.provider] == [None] * 4


# --- warnings -------------------------------------------------------------------------------------------------------


def place_of_warning(*modules: str) -> str:
    """The file that is told as the place of a warning noticed below one function of each of these, the first on top."""
    call = errors.warn
    for name in reversed(modules):
        names: dict[str, Any] = {"__name__": name, "inner": call}
        exec(compile("def call(message): inner(message)", f"{name}.py", "exec"), names)  # noqa: S102 a frame of any module
        call = names["call"]
    with pytest.warns(PortkeyWarning, match="^lost$") as caught:
        call("lost")
    assert len(caught) == 1
    return caught[0].filename


@pytest.mark.parametrize(
    "between",
    [
        (),
        ("portkey_gateway.client", "portkey_gateway.chat_completions.encode"),
        ("langchain_core.runnables.base", "portkey_langchain.encode"),
        (
            "langchain.agents.factory",
            "langgraph.pregel",
            "langchain_core.runnables.base",
            "portkey_gateway.chat_completions.schema",
        ),
        ("llama_index.core.llms", "llama_index_instrumentation.dispatcher", "portkey_llamaindex.encode"),
        ("asyncio.runners", "asyncio.events", "contextlib", "portkey_gateway.client"),
    ],
)
def test_a_warning_points_at_the_callers_own_file(between: tuple[str, ...]) -> None:
    assert place_of_warning("theirs.library", "yours.app", *between) == "yours.app.py"


@pytest.mark.parametrize("name", ["langchain_demo.app", "portkey_gateway_demo", "__main__"])
def test_a_name_that_only_begins_like_ours_is_the_callers(name: str) -> None:
    assert place_of_warning("top", name, "portkey_gateway.chat_completions.encode") == f"{name}.py"


def test_a_warning_points_at_the_line() -> None:
    with pytest.warns(PortkeyWarning) as caught:
        errors.warn("lost")
    assert caught[0].filename == __file__
    assert 'errors.warn("lost")' in Path(__file__).read_text().splitlines()[caught[0].lineno - 1]


def test_a_warning_of_a_thread_without_a_caller_is_one_all_the_same() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.warns(PortkeyWarning, match="^lost$"):
        pool.submit(errors.warn, "lost").result()


def test_a_warning_reaches_code_that_runs_under_no_name() -> None:
    code = compile("from portkey_gateway.errors import warn\nwarn('mind this')", "page.md", "exec")

    with pytest.warns(PortkeyWarning, match="mind this"):
        exec(code, {})  # noqa: S102 as a page of the docs is run
