"""The machine that is measured, and what it costs where whoever measures says so."""

import os
import re
import tomllib
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from loadtest.capacity.record import MACHINE_TYPE, Machine, Price
from loadtest.machine import description
from lookout.errors import UsageError

EXAMPLE: Final = Path(__file__).parent / "prices.example.toml"
"""The form of a price table; no real prices are shipped."""
THIS_MACHINE: Final = "this-machine"


def this_machine(machine_type: str, prices: Path | None) -> Machine:
    """What runs here, under the name it is to be recorded by; without a price table it has no price.

    UsageError for a name or a table that will not do, and for a table without exactly this name.
    """
    if not re.match(MACHINE_TYPE, machine_type):
        raise UsageError(
            f"--machine-type: {machine_type!r} is not a name of a machine type",
            "lower-case letters, digits, dots and dashes, for example c5.2xlarge",
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0))
    return Machine(
        type=machine_type,
        cores=cores,
        memory_bytes=memory,
        description=description(),
        price=None if prices is None else _price(machine_type, prices),
    )


def _price(machine_type: str, file: Path) -> Price:
    prices = read_prices(file)
    if machine_type not in prices:
        known = ", ".join(sorted(prices)) or "none"
        raise UsageError(f"--prices: {file} has no price of {machine_type}; it has {known}", "name it: --machine-type")
    return prices[machine_type]


def read_prices(file: Path) -> dict[str, Price]:
    """Prices by machine type. UsageError when the file is no such table."""
    try:
        return TypeAdapter(dict[str, Price]).validate_python(tomllib.loads(file.read_text()))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--prices: cannot read {file}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--prices: {file} is not TOML: {error}", f"see the form of {EXAMPLE}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"--prices: {file}: {where}: {first['msg']}", f"see the form of {EXAMPLE}") from error
