"""The kinds of destinations, one module each, which declares its `KIND`."""
