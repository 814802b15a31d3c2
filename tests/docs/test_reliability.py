"""The page of reliability says what the code does, and what was tried of it."""

from __future__ import annotations

import json

import pytest

from portkey_gateway.caller import GatewayCaller
from portkey_gateway.http.body import MAX_BODY_BYTES, MAX_ERROR_BYTES
from portkey_gateway.http.connecting import CONNECT_TIMEOUT_S
from portkey_gateway.http.connections import KEEPALIVE_S, MAX_IDLE
from portkey_gateway.http.patience import END_WAIT_S, TOTAL_TIMEOUT_S
from portkey_gateway.http.retry import RetryPolicy
from tests.faults.report import BEGIN, END, PAGE, Tally, known, subject, table
from tests.life import soak

TEXT = PAGE.read_text("utf-8")


def test_what_was_tried_is_told_in_its_own_words_and_did_not_fail() -> None:
    tally = known(TEXT)
    assert {"test_tries.py", "test_network_matrix.py", "test_odd_answers.py"} <= tally.tried.keys()
    for name, tried in tally.tried.items():
        assert f"| [{subject(name)}](../tests/faults/{name}) | " in TEXT, "write it anew: make reliability"
        assert tried > 0
    assert tally.failed.total() == 0


def test_the_table_is_made_of_what_was_counted() -> None:
    tally = Tally()
    tally.tried["test_tries.py"], tally.failed["test_tries.py"] = 1200, 1
    made = table(tally)
    assert f"| [{subject('test_tries.py')}](../tests/faults/test_tries.py) | 1,200 | 1 |" in made
    assert made.endswith("| all | 1,200 | 1 |\n")
    assert known(made).tried == tally.tried
    assert known(made).failed == tally.failed
    assert BEGIN in TEXT
    assert END in TEXT


def test_what_many_calls_left_is_told_as_it_was_measured_and_flat() -> None:
    found: soak.Soak = json.loads(soak.FIGURES.read_text("utf-8"))
    assert soak.BEGIN + soak.table(found) + soak.END in TEXT, "write it anew: make soak"
    assert found["wrong"] == 0
    first, *_, last = found["readings"][len(found["readings"]) // 2 :]
    assert last["memory_mb"] < first["memory_mb"] * 1.1
    assert last["files"] <= first["files"] + 2
    assert last["threads"] == first["threads"]


@pytest.mark.parametrize(
    "said",
    [
        f"| seconds for a connection | {CONNECT_TIMEOUT_S:g}, or",
        f"| seconds without a byte | {GatewayCaller.model_fields['timeout'].default:g} |",
        f"with all its tries and the waits between | {TOTAL_TIMEOUT_S:,g} |",
        f"| bytes of an answer, unpacked | {MAX_BODY_BYTES // 2**20} MiB |",
        f"| bytes of an error that are read | {MAX_ERROR_BYTES // 2**20} MiB |",
        f"what follows a stream's end mark | {END_WAIT_S:g} |",
        f"`retry-after` that are waited | {RetryPolicy().max_retry_after_s:g};",
        f"an idle connection is closed | {KEEPALIVE_S:g},",
        f"at most\n{MAX_IDLE} idle ones are kept",
        f"`max_retries` ({RetryPolicy().max_retries}) says how often",
    ],
)
def test_the_figures_are_those_of_the_code(said: str) -> None:
    assert said in TEXT
