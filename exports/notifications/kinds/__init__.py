"""The kinds of channels: a module each, found by the registry."""
