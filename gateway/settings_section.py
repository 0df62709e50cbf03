"""What every section of the settings is."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Section"]


class Section(BaseModel):
    """A section of the file. A field's description says what it must be, its example what to write."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
