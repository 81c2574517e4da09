"""Whether two runs differ by more than chance."""
