"""What computes tokens for the engine, one module for each way; the contract is `services.generator.engine.backend`."""
