"""Our model on Robyn: ROBYN_PORT=… python -m tests.bench.peers.on_robyn --processes N.

The peer that is not of uvicorn's family: its HTTP server is written in Rust (actix) and calls Python handlers from
there, so it shows what another server below the same model would gain.
"""

from typing import Any

from robyn import Request, Robyn

from tests.bench.peers.our_model import OurModel

app = Robyn(__file__)
models: list[OurModel] = []


@app.startup_handler
def load() -> None:
    """In each process, after the fork."""
    models.append(OurModel())


@app.post("/v1/detect")
def detect(request: Request) -> dict[str, Any]:
    """A plain function: Robyn runs it on its thread pool."""
    return models[0](bytes(request.body))


if __name__ == "__main__":
    app.start(host="127.0.0.1")
