"""The ceiling's loop, one process of it: decoding and the fastest inference that passes parity, and no server.

    BENCH_MODEL=… BENCH_THREADS=… python -m tests.bench.ceiling_loop SESSIONS

Each line on standard input, a JSON object {"folder", "warm_s", "seconds"}, starts the loop over the photos of a folder
on SESSIONS threads with a session each; the answer is a line {"photos", "median_ms"}: how many were done in
those seconds, and the median time of one. The work is what the service does with a photo, from its bytes to boxes:
decode, preprocess, inference, postprocess.
"""

import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
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
            files = photos.read(Path(asked["folder"]))
            begins = time.perf_counter() + asked["warm_s"]
            ends = begins + asked["seconds"]
            loops = [pool.submit(_loop, model, files, first, begins, ends) for first in range(sessions)]
            times = [seconds for each in loops for seconds in each.result()]
            median_ms = statistics.median(times) * 1000 if times else None
            print(json.dumps({"photos": len(times), "median_ms": median_ms}), flush=True)


def _loop(model: OurModel, files: list[bytes], first: int, begins: float, ends: float) -> list[float]:
    """Seconds of each photo that was done between `begins` and `ends`."""
    times, number = [], first
    while (started := time.perf_counter()) < ends:
        model(files[number % len(files)])
        number += 1
        ended = time.perf_counter()
        if begins <= ended < ends:
            times.append(ended - started)
    return times


if __name__ == "__main__":
    main(int(sys.argv[1]))
