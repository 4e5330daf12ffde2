"""What computes tokens for the engine; one contract in `base`, one module for each way of computing."""
