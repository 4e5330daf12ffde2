"""Trains the evidence step's reader: questions, what answers them, and what only looks as if it did."""
