"""When requests start: rate curves, the shapes made of them, and traces read from files."""
