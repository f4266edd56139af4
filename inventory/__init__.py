"""Who may sit where: seats, holds and sales, behind gRPC."""
