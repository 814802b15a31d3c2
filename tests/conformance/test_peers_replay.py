"""What runs another integration's recorded tests on ours: their cassettes, their archive, and our class for theirs."""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from portkey_langchain import ChatPortkey
from tests.conformance.peers import sdist
from tests.conformance.peers.cassettes import Answer, cassette_name, read_cassette
from tests.conformance.peers.replay import Replay, ReplayServer
from tests.conformance.peers.sdist import ANTHROPIC, OPENAI, SdistError
from tests.conformance.peers.stand_in import constructor, our_options

CASSETTE = """
requests: []
responses:
- body: {string: '{"type": "message"}'}
  headers: {content-type: ['**REDACTED**']}
  status: {code: 200, message: OK}
- body:
    string: !!binary |
      ZXZlbnQ6IHBpbmcK
  status: {code: 200, message: OK}
- body: {string: '{"type": "error"}'}
  status: {code: 529, message: ''}
"""
JSON, STREAM = "application/json", "text/event-stream; charset=utf-8"


# --- cassettes and their replay --------------------------------------------------------------------------------------


def test_a_cassette_is_read_in_order_with_the_kind_of_each_answer(tmp_path: Path) -> None:
    path = tmp_path / "test_one.yaml.gz"
    path.write_bytes(gzip.compress(CASSETTE.encode()))
    assert read_cassette(path) == [
        Answer(200, JSON, b'{"type": "message"}'),
        Answer(200, STREAM, b"event: ping\n"),
        Answer(529, JSON, b'{"type": "error"}'),
    ]


def test_a_test_names_its_cassette_or_is_its_name() -> None:
    assert cassette_name("test_one", None) == "test_one.yaml.gz"
    assert cassette_name("test_one", "test_other.yaml.gz") == "test_other.yaml.gz"


def test_answers_come_in_turn_whatever_is_asked_and_end() -> None:
    replay = Replay()
    first, second = Answer(200, JSON, b"1"), Answer(529, JSON, b"2")
    replay.rewind([first, second])
    assert replay.answer("/v1/messages", {"Anthropic-Beta": "b, a"}, b'{"n": 1}') is first
    assert replay.answer("/v1/messages", {}, b"no json") is second
    over = replay.answer("/v1/messages", {}, b"[]")
    assert (over.status, json.loads(over.body)["error"]["type"]) == (400, "invalid_request_error")
    assert [each["betas"] for each in replay.asked] == [["a", "b"], [], []]
    assert [each["body"] for each in replay.asked] == [{"n": 1}, {"unreadable": "no json"}, {"unreadable": "[]"}]
    replay.rewind([second])
    assert (replay.asked, replay.recorded) == ([], 1)
    assert replay.answer("/v1/messages", {}, b"{}") is second


def test_it_is_served_to_bodies_of_either_kind() -> None:
    def in_pieces() -> Iterator[bytes]:
        yield b'{"n":'
        yield b" 2}"

    replay = Replay()
    replay.rewind([Answer(200, STREAM, b"event: ping\n"), Answer(529, JSON, b"{}")])
    with ReplayServer(replay) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        first = client.post("/v1/messages", json={"n": 1}, headers={"anthropic-beta": "a"})
        second = client.post("/v1/messages", content=in_pieces())
    assert (first.status_code, first.headers["content-type"], first.text) == (200, STREAM, "event: ping\n")
    assert second.status_code == 529
    assert replay.asked == [
        {"path": "/v1/messages", "betas": ["a"], "body": {"n": 1}},
        {"path": "/v1/messages", "betas": [], "body": {"n": 2}},
    ]


# --- ChatPortkey in ChatAnthropic's place ----------------------------------------------------------------------------


def test_a_name_that_we_have_goes_there_and_any_other_into_the_request() -> None:
    given = {"model_name": "m", "max_tokens": 5, "betas": ["b"], "speed": "fast", "model_kwargs": {"x": 1}}
    assert our_options(given, {"model", "max_tokens"}) == {
        "model": "m",
        "max_tokens": 5,
        "model_kwargs": {"x": 1, "betas": ["b"], "speed": "fast"},
    }
    assert our_options({"effort": "low", "betas": ["b"]}, {"reasoning_effort", "betas"}) == {
        "reasoning_effort": "low",
        "betas": ["b"],
    }


def test_the_stand_in_is_ours_on_the_route_given() -> None:
    made = constructor({"base_url": "http://127.0.0.1:1/v1", "provider": "anthropic"})(model="claude-x", temperature=0)
    assert type(made) is ChatPortkey
    assert (made.model, made.temperature, made.base_url) == ("claude-x", 0, "http://127.0.0.1:1/v1")


# --- their source distribution ---------------------------------------------------------------------------------------


def test_the_packages_are_pinned_to_the_versions_of_the_tests() -> None:
    root = Path(__file__).parents[2]
    pinned = f"{ANTHROPIC.package}=={ANTHROPIC.version}"
    assert f"\n{pinned}\n" in (root / "requirements" / "peers.txt").read_text()
    assert f'"{pinned}"' in (root / "pyproject.toml").read_text()
    assert f"\n{OPENAI.package}=={OPENAI.version}\n" in (root / "requirements" / "dev.txt").read_text()


@pytest.mark.parametrize("genuine", [True, False])
def test_only_the_archive_with_the_known_hash_is_kept(
    genuine: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    wanted = replace(ANTHROPIC, sha256=hashlib.sha256(b"archive" if genuine else b"another").hexdigest())

    def pip(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        calls.append(command)
        folder = Path(command[command.index("--dest") + 1])
        assert f"sha256:{wanted.sha256}" in (folder / "wanted.txt").read_text()
        (folder / f"langchain_anthropic-{wanted.version}.tar.gz").write_bytes(b"archive")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setenv("PORTKEY_SANDBOX_CACHE", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", pip)
    if not genuine:
        with pytest.raises(SdistError, match="SHA-256"):
            wanted.download(lambda _: None)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
        return
    assert wanted.download(lambda _: None) == wanted.download(lambda _: None)
    assert len(calls) == 1


def test_the_archive_is_unpacked_afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdist, "BUILD", tmp_path)
    (OPENAI.unpacked() / "left over").mkdir(parents=True)
    archive = tmp_path / "archive.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        member = tarfile.TarInfo(f"{OPENAI.stem}/tests/one.py")
        packed.addfile(member, io.BytesIO())
    assert [path.name for path in OPENAI.unpack(archive).rglob("*")] == ["tests", "one.py"]
