"""Learning corrections: wordings to learn them by, neighbours to leave alone, and how a version behaves on both."""
