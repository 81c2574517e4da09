"""From a result and an SLO to a verdict with its arithmetic, and the evidence of it."""
