"""The evidence step: which parts of what was found answer the message, and whether any does."""
