"""Who is asked: an environment's detector as pods reach it, or an address as this machine reaches it."""

from loadtest.settings import DEFAULT_URL
from lookout import contract
from lookout.errors import UsageError


def url_in_cluster(url: str | None, environment: str | None) -> str:
    """The Service of an environment, past every door of the node. UsageError for another environment, or a URL too."""
    if url is not None:
        raise UsageError(
            f"--in-cluster asks an environment's Service, and --url (or LOOKOUT_URL) says {url}",
            "leave one of them out; --environment chooses whom --in-cluster asks",
        )
    wanted = environment or contract.PRODUCTION
    if wanted not in contract.ENVIRONMENTS:
        raise UsageError(f"--environment: {wanted!r} is not one of {', '.join(contract.ENVIRONMENTS)}")
    return f"http://{contract.service_host(wanted)}:{contract.SERVICE_PORT}"


def url_from_here(url: str | None, environment: str | None) -> str:
    """The address given, or production's door. UsageError where an environment is named: that is --in-cluster's."""
    if environment is not None:
        raise UsageError("--environment goes with --in-cluster", "from here, name the address with --url")
    return url or DEFAULT_URL
