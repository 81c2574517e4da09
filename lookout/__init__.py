"""Lookout: a cluster, a detector, and the road between them, all in git."""
