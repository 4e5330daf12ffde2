"""A bad service: ends with status 3 as soon as it starts."""

import sys

print("no use", flush=True)
sys.exit(3)
