"""Trains the network that reads comments."""
