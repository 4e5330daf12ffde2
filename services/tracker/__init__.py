"""Dialogue state tracking: what the user wants and has said, and what feedback asks for."""
