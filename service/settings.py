"""The service's settings: limits and sizes, each overridable by an environment variable `LOOKOUT_<NAME>`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lookout import contract
from lookout.errors import LookoutError
from service.runtimes import RuntimeName

PREFIX: Final = "LOOKOUT_"
LONGEST_REQUEST_S: Final = 60
"""A request's time in all: `body_timeout_s` at its default, the wait in the queue, and a full batch's inference. A
stopping process waits that long for what is in flight; a pod's grace period holds it beside preStop hook and drain."""


class Settings(BaseModel):
    """What one service process may use and accept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_image_bytes: Annotated[int, Field(ge=1_000)] = contract.MAX_IMAGE_BYTES
    max_image_pixels: Annotated[int, Field(ge=1_000)] = contract.MAX_IMAGE_PIXELS
    max_batch_bytes: Annotated[int, Field(ge=1_000)] = 64_000_000
    """A whole batch request; its images are held in memory together."""
    max_held_bytes: Annotated[int, Field(ge=1_000)] = 96_000_000
    """Bodies of all requests together, received and not yet answered; a request above that gets 503 unless alone."""
    body_timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    """How long a client may take to send a request's body."""
    head_timeout_s: Annotated[float, Field(gt=0, le=600)] = 10.0
    """How long a client may take to send a request's head, the first one counted from its connection."""
    answer_timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    """How long a client may take to read an answer that does not fit the buffers between."""
    keep_alive_s: Annotated[int, Field(ge=1, le=7200)] = 620
    """How long a connection may be idle between requests. Longer than load balancers leave theirs, or the server closes
    one just as a request is sent on it: Google's take 600 s, which cannot be changed, and advise 620; AWS's 60 s."""
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 800
    """Open at once; one more closes that whose client was waited for longest. Below the 1,024 files that a process may
    have open where nobody raised the limit."""
    threads: Annotated[int | None, Field(ge=1, le=256)] = None
    """Compute threads, each in a worker process of its own; by default one a core of the CPU quota, as far as they fit
    the memory limit, and one alone where a GPU is required."""
    max_batch: Annotated[int, Field(ge=1, le=64)] = 1
    """Photos that share a run of the model at most; only the tensorflow runtime takes several. What waits already is
    taken together, nothing waits for more. For a GPU: on a CPU it gains little (docs/decisions/0018-batches.md)."""
    queue: Annotated[int, Field(ge=0, le=10_000)] = 32
    """Photos that may wait for a worker; above that a request gets 503, unless it is the only one: a batch
    larger than the queue has its turn when nothing else is there."""
    queue_deadline_s: Annotated[float, Field(gt=0, le=20)] = 5 * contract.SLO_P99_S
    """How long a photo may wait for a worker. What would wait longer by the measured service time is refused at
    once, what did wait longer is not computed any more. Far above what the SLO wants of one in a hundred, because it
    allows ten times fewer errors: at 80 % of capacity one photo in a thousand waits for eight service times."""
    explain_concurrency: Annotated[int, Field(ge=0, le=64)] = 1
    """Explanations under way at once; each runs the model up to a hundred times. 0 offers none."""
    explain_timeout_s: Annotated[float, Field(gt=0, le=50)] = 20.0
    """After this time an explanation is given up: it waits behind every photo that others send."""
    drain_s: Annotated[float, Field(ge=0, le=600)] = 3.0
    """How long requests are still taken after SIGTERM, while readiness already says no and each answer closes its
    connection. A preStop hook alone does not empty a pod: clients keep connections that they opened before it."""
    runtime: RuntimeName | None = None
    """Overrides the runtime that the model's card names."""
    require_gpu: bool = False
    """Serve on a GPU or not at all: without one TensorFlow computes on the CPU and says nothing."""
    model_dir: Path | None = None
    """Folder of the model; by default the bento's own, or what was imported last in the clone."""
    tokens_file: Path | None = None
    """File with the API's bearer tokens, one a line; without, the API is open. It is read once, at start."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. LookoutError naming the variable when a value is refused."""
    source = os.environ if environment is None else environment
    names = {PREFIX + field.upper(): field for field in Settings.model_fields}
    try:
        return Settings.model_validate({field: source[name] for name, field in names.items() if source.get(name)})
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise LookoutError(f"{name}={source.get(name)!r}: {first['msg']}", f"set {name} to a value it takes") from error
