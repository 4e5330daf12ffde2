"""The knowledge service: ingest, facts and retrieval."""
