"""Learning from feedback: batches become examples, examples a training set, a set a new model version."""
