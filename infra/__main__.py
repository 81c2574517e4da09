"""The Pulumi program: settings → cluster → platform → outputs."""

import pulumi

from infra import clusters, outputs, platform, settings
from lookout.errors import LookoutError

try:
    wanted = settings.from_pulumi()
    cluster = clusters.provision(wanted)
    platform.install(wanted, cluster)
    outputs.export(wanted, cluster)
except LookoutError as error:
    # Pulumi shows a RunError as its message alone, without a traceback.
    raise pulumi.RunError(str(error)) from error
