"""The vendors' side: one contract, one package per vendor. Imports nothing from the gateway."""
