"""Evaluations of quality, each a command: `python -m research.eval.NAME --data FOLDER [--json]`."""
