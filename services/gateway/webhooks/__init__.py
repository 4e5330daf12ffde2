"""Webhooks: their registration, and the sending of what waits in the outbox."""
