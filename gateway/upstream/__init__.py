"""The outbound policies, each an httpx transport around the next, and the engine at the bottom."""
