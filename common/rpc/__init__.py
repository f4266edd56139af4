"""gRPC at the edge: errors, correlation ids, deadlines and service tokens on both sides."""
