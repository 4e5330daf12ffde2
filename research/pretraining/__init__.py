"""Training of the interactive transformer: corpus, vocabulary, feedback triples, loop and checkpoints."""
