"""From a command's options to settings."""

import os
from pathlib import Path
from typing import Any

from adapters.registry import load_vendors
from gateway.commands.failure import CommandFailure
from gateway.document_settings import documents_of, manifest_of
from gateway.schema.build import build_schema
from gateway.settings import DEFAULT_FILE, Settings, load_settings

__all__ = ["configured", "overrides_of"]


def overrides_of(**options: Any) -> dict[str, Any]:
    """The server's settings that options stand for; what was not given stands for none."""
    return {f"server.{name}": value for name, value in options.items() if value is not None}


def configured(config: Path | None, overrides: dict[str, Any] | None = None) -> Settings:
    """The settings of the file that was named, or of ``postroom.toml`` here.

    Raises:
        CommandFailure: there is no such file.
        SettingsError: it cannot be used, or the manifest of trusted documents that it names.
    """
    path = config or DEFAULT_FILE
    if config is None and not path.exists():
        raise CommandFailure(
            f"There is no {DEFAULT_FILE} here. Write one (postroom.example.toml shows how), "
            "name another file with --config, or try the emulators with --sandbox.",
            code=2,
        )
    settings = load_settings(path, environ=os.environ, vendors=load_vendors(), overrides=overrides)
    if settings.documents.manifest is not None:
        manifest_of(settings, documents_of(settings, build_schema()))
    return settings
