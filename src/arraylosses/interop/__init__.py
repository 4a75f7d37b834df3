"""Adapters into other libraries' own types: one file a library, imported by name only."""
