"""The cancellation saga, and what its steps run."""
