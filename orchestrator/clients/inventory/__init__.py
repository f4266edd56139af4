"""The inventory service, over gRPC."""
