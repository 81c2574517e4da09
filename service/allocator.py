"""The C library's memory, told to give back what large photos took."""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h."""


def give_memory_back() -> None:
    """Return the memory of large photos to the system at once, as far as the C library lets itself be told.

    By default glibc learns from the first large block it frees to keep such blocks: a process would hold on to those of
    a photo of 40 Mpixel (measured with two threads in one process: 460 MiB idle after a few of them, with this 220).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library, with habits of its own
    mallopt(_M_MMAP_THRESHOLD, 4 * 1024**2)
    mallopt(_M_TRIM_THRESHOLD, 16 * 1024**2)
