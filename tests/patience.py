"""How long tests wait for what is to happen."""

__all__ = ["PATIENCE"]

PATIENCE = 60.0
"""Seconds after which what has not happened counts as never happening: it ends a test that hangs, on the busiest
machine, and says nothing of how soon anything should be. None waits so long when all is well."""
