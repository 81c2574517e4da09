"""The plain BentoML service with as many workers as BENCH_PROCESSES says: bentoml serve …plain_tuned:Tuned."""

import os
from typing import Any

import bentoml

from tests.bench.peers.plain_bentoml import Plain

_serve = bentoml.service(name="tuned", workers=int(os.environ["BENCH_PROCESSES"]))
Tuned: Any = _serve(Plain.inner)  # type: ignore[attr-defined]  # the decorator's type says class
