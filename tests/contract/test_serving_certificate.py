"""The project's own Go program, by its own tests: they stand beside it, as Go has it."""

import os
import subprocess

from lookout.toolchain import gomod


def test_serving_certificate_does_what_its_go_tests_say() -> None:
    # Flags of the build itself, so that Go finds the libraries compiled.
    command = ["go", "test", "-trimpath", "-buildvcs=false", "./serving-certificate"]
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}
    folder = gomod.family_dir("prometheus-adapter")
    done = subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no test files" not in done.stdout
