"""Sending: what was asked, what was claimed, what became of it."""
