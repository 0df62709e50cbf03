"""Which documents are executed: the settings."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from gateway.settings_section import Section

__all__ = ["DocumentSettings"]


class DocumentSettings(Section):
    """Which documents are executed. A relative ``manifest`` is beside the settings' own file."""

    manifest: Path | None = Field(
        default=None,
        description="the path of a file in Apollo's persisted-query-manifest format",
        examples=["persisted-query-manifest.json"],
    )
    trusted: Literal["allow", "require"] = Field(
        default="allow", description='"allow" or "require"', examples=["require"]
    )
    automatic: bool = Field(default=True, description="true or false", examples=[False])
    # The schema is public, in the project's own repository: hiding it would hide it from one's own tools alone.
    introspection: bool = Field(default=True, description="true or false", examples=[False])
    # What there is beside what was asked for is told to developers, on the sandbox.
    suggestions: bool = Field(default=False, description="true or false", examples=[True])
