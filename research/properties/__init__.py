"""Trains the encoder that tells properties apart."""
