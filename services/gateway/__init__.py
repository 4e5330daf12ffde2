"""The gateway: gRPC in, queues out; sessions, order, streams, keys and limits."""
