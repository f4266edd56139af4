"""The orchestrator's capabilities, a folder each. `container.FEATURES` lists them."""
