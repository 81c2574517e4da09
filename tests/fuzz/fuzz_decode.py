"""Coverage-guided fuzzing of decoding: `python -m tests.fuzz` runs it. Code of the service and of Pillow guides it."""

import sys

import atheris

with atheris.instrument_imports(include=["service", "PIL"]):
    from tests.fuzz.properties import decodes_or_says_why


if __name__ == "__main__":
    atheris.Setup(sys.argv, decodes_or_says_why)
    atheris.Fuzz()
