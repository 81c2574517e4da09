"""The ceiling's loop, one process of it: decoding and the fastest inference that passes parity, and no server.

    BENCH_MODEL=… BENCH_THREADS=… python -m tests.bench.ceiling_loop SESSIONS

Each line on standard input, a JSON object {"folder", "warm_s", "seconds"}, starts the loop over the photos of a folder
on SESSIONS threads with a session each; the answer is a line, an array of when each photo that was done in
those seconds began and ended. {"folder", "photo"} asks for one photo; the answer is when it was done. The work is what
the service does with a photo, from its bytes to boxes: decode, preprocess, inference, postprocess.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from tests.bench import photos
from tests.bench.peers.our_model import OurModel


def main(sessions: int) -> None:
    """Serve rounds until standard input ends."""
    model = OurModel(sessions)
    print("ready", flush=True)
    with ThreadPoolExecutor(sessions) as pool:
        for line in sys.stdin:
            asked = json.loads(line)
            files = _files(asked["folder"])
            if "photo" in asked:
                model(files[asked["photo"] % len(files)])
                print(time.perf_counter(), flush=True)
                continue
            begins = time.perf_counter() + asked["warm_s"]
            ends = begins + asked["seconds"]
            loops = [pool.submit(_loop, model, files, first, begins, ends) for first in range(sessions)]
            print(json.dumps([span for each in loops for span in each.result()]), flush=True)


@cache
def _files(folder: str) -> list[bytes]:
    return photos.read(Path(folder))


def _loop(model: OurModel, files: list[bytes], first: int, begins: float, ends: float) -> list[tuple[float, float]]:
    """Start and end of each photo that was done between `begins` and `ends`."""
    spans, number = [], first
    while (started := time.perf_counter()) < ends:
        model(files[number % len(files)])
        number += 1
        ended = time.perf_counter()
        if begins <= ended < ends:
            spans.append((started, ended))
    return spans


if __name__ == "__main__":
    main(int(sys.argv[1]))
