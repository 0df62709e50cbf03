"""``postroom keys``: who may ask this gateway, where it asks for API keys."""

from cyclopts import App

__all__ = ["keys"]

keys = App(
    name="keys",
    help_epilogue=(
        "Keys are kept in the ledger's database, by digest; gateways that run take changes within seconds. "
        'They count where the configuration says auth.mode = "api_key".'
    ),
)
_KEEPING = "gateway.commands.key_keeping"
keys.command(f"{_KEEPING}:create", help="Make a key, and show it this once.")
keys.command(f"{_KEEPING}:list_", name="list", help="List the keys, without their secrets.")
keys.command(f"{_KEEPING}:revoke", help="End a key.")
