"""What fuzzing starts from: our own photos, and well-formed bodies around them."""

import json
from pathlib import Path

from service.model.photos import sample_photos
from tests.fuzz import hostile


def write(directory: Path) -> None:
    """A folder of seeds for each target, by its name."""
    _write(directory / "fuzz_decode", [*hostile.photos(), *(data[:20_000] for data in sample_photos().values())])
    photo = hostile.photos()[0]
    form = b"multipart/form-data; boundary=x\n" + b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n' % name
        + photo
        + b"\r\n"
        for name in (b"images", b"image")
    )
    tensor = {"name": "image", "shape": [1], "datatype": "BYTES"}
    binary = {**tensor, "parameters": {"binary_data_size": len(photo) + 4}}
    pixels = {"name": "input_tensor", "shape": [1, 1, 2, 3], "datatype": "UINT8", "data": [[[[1, 2, 3], [4, 5, 6]]]]}
    head = json.dumps({"inputs": [binary], "outputs": [{"name": "detection_boxes"}]}).encode()
    framed = str(len(head)).encode() + b"\n" + head + len(photo).to_bytes(4, "little") + photo
    plain = [json.dumps({"id": "1", "inputs": [one]}).encode() for one in ({**tensor, "data": ["aGk="]}, pixels)]
    bodies = [b"\x00" + one for one in plain] + [b"\x50" + framed, b"\x90image/jpeg\n" + photo]
    _write(directory / "fuzz_intake", [*bodies, b"\x90" + form + b"--x--\r\n", b"\xd0" + form + b"--x--\r\n"])


def _write(folder: Path, seeds: list[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds):
        (folder / f"seed-{number}").write_bytes(data)
