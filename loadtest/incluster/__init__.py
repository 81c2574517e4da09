"""The load generator as a Kubernetes Job: the same run, started from here, made inside the cluster."""
