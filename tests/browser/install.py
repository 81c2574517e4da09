"""`python -m tests.browser.install`: Chromium and its driver, which nothing but these tests needs."""

from typing import Final

from lookout import debian

PROGRAMS: Final = {"chromium": "chromium", "chromium-driver": "chromedriver"}
"""Debian package by package, one program that shows that it is there."""


if __name__ == "__main__":
    debian.install(print, PROGRAMS)
