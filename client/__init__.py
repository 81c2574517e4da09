"""A typed client of the detector's API, and the command `lookout detect`."""

from client.detector import DetectorClient, RefusedError, UnreachableError

__all__ = ["DetectorClient", "RefusedError", "UnreachableError"]
