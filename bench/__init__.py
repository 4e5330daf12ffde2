"""Benchmarks of speed, each a command: `python -m bench.NAME [--json]`."""
