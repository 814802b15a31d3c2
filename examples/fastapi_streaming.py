"""A web service that streams answers as server-sent events, each in the trace and under the label of its user.

``python -m examples.fastapi_streaming`` serves it on the sandbox, or on the hosted gateway where ``PORTKEY_API_KEY`` is
set (``PORTKEY_MODEL`` names the model); then ``curl -N 'http://127.0.0.1:8000/ask?question=Tell+me+a+short+story'``.
It takes ``pip install fastapi uvicorn``.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse

from examples.places import places
from portkey_gateway import PortkeyError
from portkey_langchain import ChatPortkey


def main() -> None:
    """Serve until Ctrl-C."""
    with places() as found:
        uvicorn.run(build_app(ChatPortkey(**found.chat)), host="127.0.0.1", port=8000)


def build_app(model: ChatPortkey) -> FastAPI:
    """Return the service; one model serves all requests at once."""
    app = FastAPI()

    @app.get("/ask")
    async def ask(question: str, user: str = "guest") -> StreamingResponse:
        chunks = model.astream(question, {"metadata": {"user_id": user}, "run_name": "ask"})
        try:
            # What fails before the answer begins has a status of its own; later an event has to tell it.
            first = await anext(chunks)
        except PortkeyError as error:
            raise HTTPException(502, type(error).__name__) from error

        async def events() -> AsyncIterator[str]:
            yield _event("text", first.text)
            try:
                async for chunk in chunks:
                    yield _event("text", chunk.text)
            except PortkeyError as error:
                yield _event("error", type(error).__name__)
            else:
                yield _event("done", "")

        return StreamingResponse(events(), media_type="text/event-stream")

    return app


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


if __name__ == "__main__":
    main()
