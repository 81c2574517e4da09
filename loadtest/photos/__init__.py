"""The photos that are sent, and what they are sent as."""
