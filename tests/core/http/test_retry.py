"""Which failure is tried again, and after how long."""

import pytest

from portkey_gateway import errors
from portkey_gateway.errors import PortkeyError
from portkey_gateway.http.retry import RetryPolicy
from portkey_gateway.info import GatewayInfo

RETRIED = [
    errors.RequestTimeoutError,
    errors.ConflictError,
    errors.RateLimitError,
    errors.ServerError,
    errors.OverloadedError,
    errors.APIConnectionError,
    errors.APITimeoutError,
]
RAISED = [
    errors.GatewayFailureError,
    errors.EncodingError,
    errors.PortkeyStatusError,
    errors.BadRequestError,
    errors.ContextOverflowError,
    errors.AuthenticationError,
    errors.PermissionDeniedError,
    errors.NotFoundError,
    errors.BudgetExceededError,
    errors.RequestTooLargeError,
    errors.UnprocessableEntityError,
    errors.GuardrailDeniedError,
    errors.InvalidResponseError,
    errors.StreamTruncatedError,
    errors.StreamProviderError,
    errors.StreamInterruptedError,
    errors.StreamTimeoutError,
]


def limited(retry_after_s: float | None) -> PortkeyError:
    return errors.RateLimitError("slow down", info=GatewayInfo(429, retry_after_s=retry_after_s))


@pytest.mark.parametrize("error_class", RETRIED, ids=lambda error_class: error_class.__name__)
def test_what_may_pass_is_tried_again(error_class: type[PortkeyError]) -> None:
    assert RetryPolicy().delay_s(error_class("no"), 0, jitter=0) == 0.5


@pytest.mark.parametrize("error_class", RAISED, ids=lambda error_class: error_class.__name__)
def test_what_will_not_pass_and_what_had_begun_is_raised(error_class: type[PortkeyError]) -> None:
    assert RetryPolicy().delay_s(error_class("no"), 0, jitter=0) is None


def test_a_transient_error_in_the_middle_of_an_answer_is_not_tried_again() -> None:
    error = errors.StreamProviderError("no", error_type="overloaded_error")
    assert error.is_retryable
    assert RetryPolicy().delay_s(error, 0, jitter=0) is None


@pytest.mark.parametrize("told", [None, True, False])
@pytest.mark.parametrize("retry_unanswered", [False, True])
def test_what_may_be_charged_is_tried_again_if_the_user_or_the_server_wants_it(
    *, told: bool | None, retry_unanswered: bool
) -> None:
    error = errors.APITimeoutError("no", info=GatewayInfo(408, should_retry=told))
    error.may_be_charged = True
    policy = RetryPolicy(retry_unanswered=retry_unanswered)
    tried = told if told is not None else retry_unanswered
    assert (policy.delay_s(error, 0, jitter=0) is not None) == tried
    assert policy.withholds(error) == (told is None and not retry_unanswered)


def test_waits_double_up_to_their_bound() -> None:
    policy = RetryPolicy(max_retries=10)
    error = errors.ServerError("no")
    assert [policy.delay_s(error, retries, jitter=0) for retries in range(6)] == [0.5, 1, 2, 4, 8, 8]


def test_tries_are_counted() -> None:
    policy = RetryPolicy(max_retries=2)
    error = errors.ServerError("no")
    assert [policy.delay_s(error, retries, jitter=0) is None for retries in (0, 1, 2, 3)] == [False, False, True, True]
    assert RetryPolicy(max_retries=0).delay_s(error, 0, jitter=0) is None


def test_jitter_takes_off_up_to_a_quarter() -> None:
    assert RetryPolicy().delay_s(errors.ServerError("no"), 0, jitter=1) == 0.375


@pytest.mark.parametrize("retry_after_s", [0.0, 0.02, 9.0, 60.0])
def test_retry_after_is_honoured_exactly(retry_after_s: float) -> None:
    assert RetryPolicy().delay_s(limited(retry_after_s), 0, jitter=1) == retry_after_s


@pytest.mark.parametrize("retry_after_s", [60.1, 3600.0, float("inf")])
def test_a_retry_after_too_long_to_wait_for_raises(retry_after_s: float) -> None:
    assert RetryPolicy().delay_s(limited(retry_after_s), 0, jitter=0) is None


def test_without_a_retry_after_the_own_wait_holds() -> None:
    assert RetryPolicy().delay_s(limited(None), 1, jitter=0) == 1.0


def test_waits_stay_at_their_bound_however_often_it_was_tried() -> None:
    assert RetryPolicy(max_retries=10**6).delay_s(errors.ServerError("no"), 10**5, jitter=0) == 8.0
