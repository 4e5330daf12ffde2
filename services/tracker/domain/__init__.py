"""The tracker's logic: states, rules, normalisers and the understanding of feedback; no transport."""
