"""Reads a configuration of `deploy/` as the gateway would, with made up secrets in the files that it names."""

import re
from collections.abc import Mapping
from pathlib import Path

from adapters.registry import load_vendors
from gateway.settings import Settings, load_settings

__all__ = ["read_with_secrets"]

_SECRETS = {
    "ledger": "postgresql://postroom:secret@postgres/postroom",
    "redis": "redis://valkey:6379/0",
    "file": "k" * 44,
}


def read_with_secrets(text: str, mount: str, folder: Path, environ: Mapping[str, str]) -> Settings:
    """The settings; each secret file below ``mount`` is made in a folder of ours."""
    for name in re.findall(rf'"{re.escape(mount)}([^"]+)"', text):
        (folder / name).write_text(_SECRETS.get(re.split("[-_]", name)[0], "a-token"))
    path = folder / "postroom.toml"
    path.write_text(text.replace(mount, f"{folder}/"))
    return load_settings(path, environ=environ, vendors=load_vendors())
