"""What the gateway says of a call in its response headers is read, and nothing breaks what is missing or odd."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from portkey_gateway.info import GatewayInfo, read_gateway_info


def test_every_response_header() -> None:
    assert read_gateway_info(
        246,
        {
            "x-portkey-trace-id": "t-1",
            "request-id": "req_1",
            "x-request-id": "other",
            "x-portkey-provider": "anthropic",
            "x-portkey-cache-status": "SEMANTIC HIT",
            "x-portkey-last-used-option-index": "config.targets[0]",
            "x-portkey-retry-attempt-count": "2",
            "x-portkey-gateway-exception": "true",
        },
    ) == GatewayInfo(
        status=246,
        trace_id="t-1",
        request_id="req_1",
        provider="anthropic",
        cache_status="SEMANTIC HIT",
        target_index="config.targets[0]",
        retry_count=2,
        is_gateway_exception=True,
    )


def test_headers_that_are_missing_or_empty() -> None:
    empty = {"x-portkey-trace-id": "", "x-portkey-provider": "", "x-portkey-cache-status": ""}
    assert read_gateway_info(200, empty) == read_gateway_info(200, {}) == GatewayInfo(200)


def test_the_sent_trace_id_stands_in_for_one_that_does_not_come_back() -> None:
    assert read_gateway_info(200, {"x-portkey-trace-id": ""}, "sent").trace_id == "sent"
    assert read_gateway_info(200, {"x-portkey-trace-id": "came"}, "sent").trace_id == "came"


def test_other_providers_request_id() -> None:
    assert read_gateway_info(200, {"x-request-id": "req_2"}).request_id == "req_2"


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("3", 3), ("-1", -1), ("", None), ("--5", None), ("²", None), ("1.5", None), ("9" * 5000, None)],
)
def test_retry_count(text: str, count: int | None) -> None:
    assert read_gateway_info(200, {"x-portkey-retry-attempt-count": text}).retry_count == count


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "20", "retry-after": "7"}, 0.02),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 -0000"}, 0.0),
        ({"retry-after": "Fri, 31 Dec 99999999999999999999 23:59:59 GMT"}, None),
        ({"retry-after": "Fri, 31 Dec 2020 23:59:59 +99999999999999999999"}, None),
        ({"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"}, 0.0),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after(sent: dict[str, str], seconds: float | None) -> None:
    assert read_gateway_info(429, sent).retry_after_s == seconds


def test_retry_after_as_a_date_to_come() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    seconds = read_gateway_info(503, {"retry-after": date}).retry_after_s
    assert seconds is not None
    assert 60 < seconds <= 90


def test_retry_after_of_a_success_says_nothing() -> None:
    assert read_gateway_info(200, {"retry-after": "7"}).retry_after_s is None
