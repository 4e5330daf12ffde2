"""Training of the projectors that make dialogue state and knowledge soft tokens."""
