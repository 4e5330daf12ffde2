"""What is learned from which feedback, which examples make a set, and when a version is good enough."""
