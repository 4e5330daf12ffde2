"""The embedded stack: every program Antiphon needs, on one machine, under one supervisor."""
