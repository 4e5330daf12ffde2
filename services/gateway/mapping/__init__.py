"""Documents to messages of the contract and back; nothing is decided here."""
