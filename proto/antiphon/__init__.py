"""Antiphon: the contract (``antiphon.v1``) and its Python client."""
