"""Decoding that keeps what words in a prompt can't promise: token processors made from a draft's constraints."""
