"""The processes that send: `python -m loadtest.generator` directs, `loadtest.generator.worker` sends."""
