"""Certificates are looked at; one of your own authority holds by the environment, or by a client of yours."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from portkey_gateway.errors import APIConnectionError
from portkey_gateway.http import pool
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.support.tls import make_certificate, serving

OPTIONS: dict[str, Any] = {"provider": "anthropic", "api_format": "chat_completions", "max_retries": 0}


def _langchain(url: str, **more: Any) -> Any:
    return ChatPortkey(model="claude-sonnet-4-5", base_url=url, **OPTIONS, **more).invoke("Hi")


def _alangchain(url: str, **more: Any) -> Any:
    return asyncio.run(ChatPortkey(model="claude-sonnet-4-5", base_url=url, **OPTIONS, **more).ainvoke("Hi"))


def _llamaindex(url: str, **more: Any) -> Any:
    return Portkey(model="claude-sonnet-4-5", base_url=url, **OPTIONS, **more).complete("Hi")


def _allamaindex(url: str, **more: Any) -> Any:
    return asyncio.run(Portkey(model="claude-sonnet-4-5", base_url=url, **OPTIONS, **more).acomplete("Hi"))


any_call = pytest.mark.parametrize("call", [_langchain, _alangchain, _llamaindex, _allamaindex])


@pytest.fixture(autouse=True)
def _a_new_process() -> Iterator[None]:
    """Forget the clients and the certificates that were read, as a new process has none."""
    pool._close_client()
    pool._forget_clients()
    yield
    pool._close_client()
    pool._forget_clients()


@any_call
def test_a_certificate_that_nobody_vouches_for_is_refused(call: Any, tmp_path: Path) -> None:
    with (
        serving(make_certificate(tmp_path)) as url,
        pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        call(url)


@any_call
def test_an_authority_named_by_the_environment_holds(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(certificate) as url:
        assert call(url)


@any_call
def test_a_certificate_of_another_host_is_refused_although_its_authority_holds(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(certificate) as url, pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        call(url)


def test_an_authority_of_a_client_of_yours_holds(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    trusted = ssl.create_default_context(cafile=certificate)
    with serving(certificate) as url, httpx.Client(verify=trusted, trust_env=False) as client:
        assert _langchain(url, http_client=client)
        assert _llamaindex(url, http_client=client)


async def test_an_authority_of_an_async_client_of_yours_holds(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    trusted = ssl.create_default_context(cafile=certificate)
    with serving(certificate) as url:
        async with httpx.AsyncClient(verify=trusted, trust_env=False) as client:
            options: dict[str, Any] = {**OPTIONS, "http_async_client": client, "base_url": url}
            assert (await ChatPortkey(model="claude-sonnet-4-5", **options).ainvoke("Hi")).text
            assert (await Portkey(model="claude-sonnet-4-5", **options).acomplete("Hi")).text
