"""Offline trainers, their data and the evaluations; no service imports any of it."""
