"""Our model on LitServe: python -m tests.bench.peers.on_litserve PORT WORKERS."""

import sys
from typing import Annotated, Any

import litserve as ls
from fastapi import Body

from tests.bench.peers.our_model import OurModel


class DetectorAPI(ls.LitAPI):
    """The four methods of LitServe's tutorial."""

    def setup(self, device: str) -> None:  # noqa: ARG002  # LitServe's signature; there is only the CPU
        """Once in each worker."""
        self.model = OurModel(sessions=1)

    def decode_request(self, request: Annotated[bytes, Body(media_type="image/jpeg")]) -> bytes:
        """The body as it is: cheaper for LitServe than base64 or a form."""
        return request

    def predict(self, x: bytes) -> dict[str, Any]:
        """One photo: batches buy nothing on a CPU (docs/measurements.md)."""
        return self.model(x)

    def encode_response(self, output: dict[str, Any]):  # type: ignore[no-untyped-def]  # LitServe makes FastAPI's response type of an annotation
        """As it is."""
        return output


if __name__ == "__main__":
    server = ls.LitServer(DetectorAPI(api_path="/v1/detect"), accelerator="cpu", workers_per_device=int(sys.argv[2]))
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
