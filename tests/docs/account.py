"""Stands for an account at Portkey: a model catalog before the real open-source gateway, which has none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from portkey_gateway.sandbox import Sandbox
from tests.support.recording import RecordingServer, Reply, Request, whole

_KEY = "pk-docs"


@contextmanager
def standing_for_the_hosted_gateway(sandbox: Sandbox) -> Iterator[dict[str, str]]:
    """Answer calls to ``@slug/model`` by the sandbox, whose providers stand for those of the account.

    Yields the environment by which calls find it.
    """

    def pass_on(request: Request) -> Reply:
        assert request.header("x-portkey-api-key") == _KEY
        body: dict[str, Any] = request.json
        slug, _, body["model"] = body["model"].removeprefix("@").partition("/")
        options = sandbox.options("openai" if "openai" in slug else "anthropic")
        told = {name: value[0] for name, value in request.headers.items() if name.startswith("x-portkey-")}
        headers = {
            **told,
            "content-type": "application/json",
            "x-portkey-provider": options["provider"],
            "x-portkey-custom-host": options["custom_host"],
            "authorization": f"Bearer {options['provider_api_key']}",
        }
        url = options["base_url"].removesuffix("/v1") + request.path
        answer = httpx.post(url, headers=headers, content=json.dumps(body), timeout=30, trust_env=False)
        kept = {
            name: value for name, value in answer.headers.items() if name.startswith(("x-portkey-", "content-type"))
        }
        return whole(answer.content, status=answer.status_code, headers=kept)

    with RecordingServer() as server:
        server.reply(pass_on)
        yield {"PORTKEY_API_KEY": _KEY, "PORTKEY_BASE_URL": server.base_url}
