"""Our model on FastAPI: uvicorn tests.bench.peers.on_fastapi:app --workers N."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

from tests.bench.peers.our_model import OurModel

app = FastAPI()
model = OurModel()


@app.post("/v1/detect")
async def detect(request: Request) -> dict[str, Any]:
    """The body is read by the event loop, the model runs on a thread."""
    found: dict[str, Any] = await run_in_threadpool(model, await request.body())
    return found
