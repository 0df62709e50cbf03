"""The Billing Platform (UK): its adapter and its emulator."""
