"""`python -m tests.browser.install`: Chromium and its driver, which nothing but these tests needs."""

import sys
from typing import Final

from lookout import debian
from lookout.errors import LookoutError

PROGRAMS: Final = {"chromium": "chromium", "chromium-driver": "chromedriver"}
"""Debian package by package, one program that shows that it is there."""


if __name__ == "__main__":
    try:
        debian.install(print, PROGRAMS)
    except LookoutError as error:
        sys.exit(f"error: {error}")
