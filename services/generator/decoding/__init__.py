"""Decoding that keeps what words in a prompt can't promise: token processors made from a draft's constraints."""

from services.generator.decoding.processors import forked_processors, row_processors

__all__ = ["forked_processors", "row_processors"]
