"""The kill test: the guarantees, tried on a stack whose processes are killed, stopped, frozen and cut off."""
