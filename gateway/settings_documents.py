"""Which documents are executed: the settings."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from adapters.shapes import Shape

__all__ = ["DocumentSettings"]


class DocumentSettings(Shape, frozen=True, kw_only=True):
    """Which documents are executed. A relative ``manifest`` is beside the settings' own file."""

    manifest: (
        Annotated[
            Path,
            Meta(
                description="the path of a file in Apollo's persisted-query-manifest format",
                examples=["persisted-query-manifest.json"],
            ),
        ]
        | None
    ) = None
    trusted: Annotated[Literal["allow", "require"], Meta(description='"allow" or "require"', examples=["require"])] = (
        "allow"
    )
    automatic: Annotated[bool, Meta(description="true or false", examples=[False])] = True
    # The schema is public, in the project's own repository: hiding it would hide it from one's own tools alone.
    introspection: Annotated[bool, Meta(description="true or false", examples=[False])] = True
    # What there is beside what was asked for is told to developers, on the sandbox.
    suggestions: Annotated[bool, Meta(description="true or false", examples=[True])] = False
