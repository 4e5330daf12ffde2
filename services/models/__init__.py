"""Torch and no transport: what the services compute with."""
