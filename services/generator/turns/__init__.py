"""A turn from its message to its stored end: what it is written from, who writes it, which version computes it."""
