"""Training of fusion heads: edits made by rule, cached hidden states, a loss aligned with what an edit changes."""
