"""The cancellation saga, and the processor that its steps use."""
