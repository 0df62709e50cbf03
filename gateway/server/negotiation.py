"""Which media types an Accept header takes, and in which order (RFC 9110, 12.5.1)."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["Accepted", "Media", "accepted_by", "weight_of", "weights_of"]


class Media(StrEnum):
    """What the endpoint can answer with, in the order that it prefers where a caller has no preference.

    A caller that takes anything gets `application/json`, which every client reads.
    """

    __hash__ = str.__hash__  # an enumeration's own is not that of a text, and written in Python

    JSON = "application/json"
    RESPONSE = "application/graphql-response+json"
    MULTIPART = "multipart/mixed"
    EVENTS = "text/event-stream"


_USUAL_LENGTH: Final = 512
"""Characters of a header that is remembered."""

_INCREMENTAL_SPEC: Final = "v0.2"
"""The name that clients have for the incremental delivery whose frames hold `pending` and `completed`."""


@dataclass(frozen=True)
class Accepted:
    """The media types that a caller takes, best first; none where `ranked` is empty."""

    ranked: tuple[Media, ...]

    @functools.cached_property
    def whole(self) -> Media:
        """For an answer of one piece: the best, where it need not be cut into parts."""
        return next((media for media in self.ranked if media is not Media.MULTIPART), Media.MULTIPART)

    @property
    def incremental(self) -> Media | None:
        """For an answer whose parts come one after another, if there is one."""
        return next((media for media in self.ranked if media in (Media.MULTIPART, Media.EVENTS)), None)

    @property
    def events(self) -> bool:
        """Whether an event stream will do, which alone can carry a subscription."""
        return Media.EVENTS in self.ranked

    @property
    def refusal(self) -> Media:
        """For the reason why nothing is executed: JSON, whether it is taken or not."""
        return next((media for media in self.ranked if media in (Media.JSON, Media.RESPONSE)), Media.JSON)


@dataclass(frozen=True, slots=True)
class _Range:
    place: int
    media_range: str
    parameters: Mapping[str, str]
    weight: float


def accepted_by(header: str | None) -> Accepted:
    """What an Accept header takes: by weight, then by its own order. Without the header, anything."""
    return _accepted_by(header) if len(header or "") <= _USUAL_LENGTH else _accepted_by.__wrapped__(header)


@functools.lru_cache(maxsize=256)  # clients have few; a long one is nobody's habit
def _accepted_by(header: str | None) -> Accepted:
    ranges = list(_ranges(header or "*/*"))
    found = []
    for preference, media in enumerate(Media):
        covering = _covering(ranges, media)
        if covering is not None and covering.weight > 0:
            found.append((-covering.weight, covering.place, preference, media))
    return Accepted(tuple(media for *_, media in sorted(found)))


def weight_of(header: str, media_type: str) -> float:
    """The weight that an Accept header gives a media type; 0 where it does not take it."""
    covering = _covering(list(_ranges(header)), media_type)
    return 0.0 if covering is None else covering.weight


def weights_of(header: str) -> Mapping[str, float]:
    """The weight of each name in a header such as Accept-Encoding; the larger where one stands twice."""
    weights: dict[str, float] = {}
    for one in _ranges(header):
        weights[one.media_range] = max(one.weight, weights.get(one.media_range, 0.0))
    return weights


def _covering(ranges: list[_Range], media_type: str) -> _Range | None:
    """The most specific range that covers the type decides."""
    for name in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        covering = [one for one in ranges if one.media_range == name and _is_ours(one)]
        if covering:
            return max(covering, key=lambda one: one.weight)
    return None


def _is_ours(one: _Range) -> bool:
    """Whether the range's parameters name no other format than ours, such as an older draft's frames."""
    if one.media_range == Media.MULTIPART:
        others = one.parameters.keys() & {"deferspec", "subscriptionspec"}
        return not others and one.parameters.get("incrementalspec", _INCREMENTAL_SPEC) == _INCREMENTAL_SPEC
    return one.parameters.get("charset", "utf-8") == "utf-8"


def _ranges(header: str) -> Iterator[_Range]:
    for place, part in enumerate(header.lower().split(",")):
        media_range, *pieces = (piece.strip() for piece in part.split(";"))
        parameters = {name.strip(): text.strip(' "') for name, _, text in (piece.partition("=") for piece in pieces)}
        yield _Range(place, media_range, parameters, _weight(parameters.pop("q", "1")))


def _weight(text: str) -> float:
    """A malformed weight asks for nothing."""
    return float(text) if re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", text) else 0.0
