"""How much one operation may ask: the settings, each with its default and why it is so."""

from typing import Annotated

from msgspec import Meta

from adapters.shapes import Shape
from gateway.documents.limits import DocumentLimits

__all__ = ["LimitSettings"]


class LimitSettings(Shape, frozen=True, kw_only=True):
    """How much one operation may ask. Every figure leaves room for what the common tools ask."""

    # Applications' largest documents have about 1,000; reading 4,000 takes some 30 ms.
    tokens: Annotated[
        int, Meta(ge=100, le=100_000, description="a whole number from 100 to 100000", examples=[4000])
    ] = 4_000
    # GraphiQL's introspection is 15 deep; a customer's page with its documents and their dispatches, 12.
    depth: Annotated[int, Meta(ge=5, le=100, description="a whole number from 5 to 100", examples=[20])] = 20
    # A page has a handful; and no more writes than this come with one request.
    root_fields: Annotated[int, Meta(ge=1, le=1_000, description="a whole number from 1 to 1000", examples=[20])] = 20
    # GraphiQL's introspection has 230, fragments spread out.
    fields: Annotated[int, Meta(ge=50, le=20_000, description="a whole number from 50 to 20000", examples=[1000])] = (
        1_000
    )
    # Code generators alias a field or two; whoever has fifty of them is asking one thing fifty times.
    aliases: Annotated[int, Meta(ge=0, le=10_000, description="a whole number from 0 to 10000", examples=[50])] = 50
    directives: Annotated[int, Meta(ge=0, le=10_000, description="a whole number from 0 to 10000", examples=[50])] = 50
    # Thirty components that each select the same three fields of one object make 1,700; 5,000 take some 100 ms.
    comparisons: Annotated[
        int, Meta(ge=100, le=1_000_000, description="a whole number from 100 to 1000000", examples=[5000])
    ] = 5_000
    # A run may name each of its customers. The slowest values to read, and to refuse, take 5 us each: 50,000 a quarter
    # of a second.
    variables: Annotated[
        int, Meta(ge=100, le=1_000_000, description="a whole number from 100 to 1000000", examples=[50_000])
    ] = 50_000
    # Fifty customers with all that hangs on them cost 1,500. At eight calls at once of 100 ms, 2,000 take 25 seconds.
    cost: Annotated[int, Meta(ge=1, le=1_000_000, description="a whole number from 1 to 1000000", examples=[2000])] = (
        2_000
    )

    @property
    def of_documents(self) -> DocumentLimits:
        """The figures, as what reads documents wants them."""
        return DocumentLimits(**self.named())
