"""The certificate that the API server trusts, by the Go test beside its program."""

import os
import subprocess

from lookout.toolchain import gomod


def test_go_tests_of_serving_certificate_pass() -> None:
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}
    done = subprocess.run(
        ["go", "test", "-count=1", "./serving-certificate"],
        check=False,
        cwd=gomod.family_dir("prometheus-adapter"),
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
