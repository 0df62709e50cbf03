"""The unified schema, code first: one file per concept. ``schema.graphql`` at the project's root is its export."""

from gateway.schema import enums as enums  # the model's enumerations are described before any type uses them
