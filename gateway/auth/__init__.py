"""Credentials: API keys and tokens, and what each allows."""
