"""gRPC: errors, correlation ids, deadlines and service tokens, for servers and clients."""
