"""Tools of a caller's that a reply may call: how calls and results are written, and what arguments are held to."""
