"""Decoding that keeps what words in a prompt can't promise: token processors made from a draft's constraints."""

from services.generator.decoding.processors import row_processors

__all__ = ["row_processors"]
