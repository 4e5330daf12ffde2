"""The generated contract: messages in ``*_pb2``, stubs and servicers in ``*_pb2_grpc`` (``make proto``)."""
