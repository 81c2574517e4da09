"""Settings come from the environment, and a wrong one is named."""

import pytest

from lookout import contract
from lookout.errors import LookoutError
from service import settings


def test_defaults_are_the_contract() -> None:
    found = settings.from_environment({})
    assert (found.max_image_bytes, found.max_image_pixels) == (contract.MAX_IMAGE_BYTES, contract.MAX_IMAGE_PIXELS)


def test_reads_numbers_and_ignores_other_variables() -> None:
    found = settings.from_environment(
        {"LOOKOUT_THREADS": "3", "LOOKOUT_QUEUE": "0", "LOOKOUT_DEPLOY_DIR": "x", "HOME": "/"}
    )
    assert (found.threads, found.queue) == (3, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("THREADS", "0"),
        ("THREADS", "many"),
        ("QUEUE", "-1"),
        ("MAX_BATCH", "0"),
        ("RUNTIME", "onnx"),
        ("MAX_IMAGE_BYTES", "1"),
        ("DRAIN_S", "nan"),
    ],
)
def test_names_the_variable_it_refuses(name: str, value: str) -> None:
    with pytest.raises(LookoutError, match=f"LOOKOUT_{name}="):
        settings.from_environment({f"LOOKOUT_{name}": value})
