"""HTTP: the public contract as JSON, and the APIs that people's clients speak already."""
