"""Primitives of the losses, a topic a file: each beside its form in place and what JAX needs of it."""
