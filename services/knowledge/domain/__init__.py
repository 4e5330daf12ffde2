"""What knowledge is and how it is found; no transport, no database."""
