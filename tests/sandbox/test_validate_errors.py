"""The error a refused client reads."""

import pickle

from portkey_gateway.sandbox.claude.errors import ClaudeError, invalid, not_found


def test_an_error_has_the_body_of_anthropic() -> None:
    error = ClaudeError(529, "overloaded_error", "Overloaded")

    assert error.body("req_1") == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": "req_1",
    }


def test_an_error_reads_as_its_message_and_keeps_its_facts() -> None:
    error = pickle.loads(pickle.dumps(ClaudeError(429, "rate_limit_error", "Slow down")))

    assert (str(error), error.status, error.type, error.message) == ("Slow down", 429, "rate_limit_error", "Slow down")


def test_the_short_forms_name_their_status() -> None:
    assert (invalid("x").status, invalid("x").type) == (400, "invalid_request_error")
    assert (not_found("x").status, not_found("x").type) == (404, "not_found_error")
