"""What a sending process keeps of its requests until the next batch goes out: a few hundred entries in columns."""

from collections.abc import Callable
from typing import Any


class Recorder:
    """Collects samples and hands them on as one message; nothing measured stays here for long."""

    def __init__(self, send: Callable[[str, dict[str, Any]], None]) -> None:
        self._send = send
        self._models: list[dict[str, str]] = []
        self._clear()

    def add(
        self, index: int, intended_s: float, lag_ms: float | None, service_ms: float | None, error: str | None
    ) -> None:
        """One start; milliseconds are kept to the microsecond, which is what the clock is good for."""
        self._index.append(index)
        self._intended_s.append(round(intended_s, 6))
        self._lag_ms.append(None if lag_ms is None else round(lag_ms, 3))
        self._service_ms.append(None if service_ms is None else round(service_ms, 3))
        self._error.append(error)

    def model(self, model: dict[str, str]) -> None:
        """A model that an answer named; each is passed on once."""
        if model not in self._models:
            self._models.append(model)
            self._send("model", model)

    def flush(self) -> None:
        """Send what has come together."""
        if self._index:
            self._send(
                "samples",
                {
                    "index": self._index,
                    "intended_s": self._intended_s,
                    "lag_ms": self._lag_ms,
                    "service_ms": self._service_ms,
                    "error": self._error,
                },
            )
            self._clear()

    def _clear(self) -> None:
        self._index: list[int] = []
        self._intended_s: list[float] = []
        self._lag_ms: list[float | None] = []
        self._service_ms: list[float | None] = []
        self._error: list[str | None] = []
