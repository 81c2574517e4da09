"""What the target says of itself while a run goes on: its metrics and its pods."""
