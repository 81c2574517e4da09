"""A record in the configuration repository: one commit in deploy/ that writes one file and nothing else."""

from gitops.repository import Repository
from loadtest.capacity.record import CapacityRecord
from loadtest.capacity.record_file import path


def commit(record: CapacityRecord) -> str:
    """Commit the record of a release; returns what to tell. LookoutError when deploy/ is in no state for a commit.

    Measured again, it takes the older record's place; git keeps that one.
    """
    assert record.digest is not None  # noqa: S101  # a record of a URL belongs to no release
    repository = Repository.open()
    file = path(record.digest, record.machine.type)
    if repository.read(file) == record.text():
        return f"nothing to do: {file} says so already"
    message = (
        f"capacity: {record.bento} on {record.machine.type}\n\n"
        f"image: {record.digest}\nmeasured: {record.measured_at:%Y-%m-%dT%H:%M:%SZ}\n\n"
        f"Lookout-Capacity: {record.digest}\n"
    )
    made = repository.commit_files({file: record.text()}, message)
    return f"committed {made[:12]}: {file}; size an environment from it with: lookout release size ENV"
