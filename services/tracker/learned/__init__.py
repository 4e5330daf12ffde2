"""The learned tracker: a small network over dialogue and schema behind the Tracker protocol."""
