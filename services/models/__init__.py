"""Torch and no transport: what the services compute with."""

import os

# Idle OpenMP threads spin for milliseconds by default and take the core from the process beside them; a tenth
# of a millisecond is enough to bridge two operations. Read once, when torch loads its OpenMP library.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
