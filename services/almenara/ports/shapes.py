"""What the `data` of each event type holds, as far as rules and messages rely on it. More fields are always allowed.

Only a description: `ports.wire` takes any object as data, and nothing is decoded into these. The schemas that are
shipped are made from them, see `ports.schemas`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Required, TypedDict

from msgspec import Meta

from almenara.domain import event as types

Code = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="A country, ISO 3166 alpha-3.")]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", description="A day, YYYY-MM-DD.")]
Moment = Annotated[str, Meta(description="ISO 8601 with an offset from UTC.")]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256 in hexadecimal.")]
Quote = Annotated[str, Meta(max_length=300, description="A verbatim quote, at most 300 characters.")]


class Words(TypedDict, total=False):
    """One text in English and Spanish."""

    en: str
    es: str


Text = str | Words


class Sentences(TypedDict, total=False):
    """The same sentences in English and Spanish."""

    en: list[str]
    es: list[str]


class Source(TypedDict, total=False):
    """Where it was said. `grade` is the source's reliability as judged; F = not judged."""

    name: str
    url: str
    grade: str


class Countries(TypedDict, total=False):
    """The countries by the role that they play; filters of subscribers match any role."""

    actor: list[Code]
    target: list[Code]
    affected: list[Code]
    checked_absent: list[Code]


class Person(TypedDict, total=False):
    """A person or a body. `name` as the press spells it, `id` as a watchlist has it; the enricher adds a missing id."""

    id: str
    name: Text
    office: Text
    country: Code


class Observed(TypedDict, total=False):
    """What every observed event may hold. `flags` (future, backfill, ...) are written by ingest."""

    summary: Text
    sources: list[Source]
    differences: Sentences | list[str]
    countries: Countries
    flags: list[str]


class MeetingHeld(Observed, total=False):
    """A meeting between an official and somebody else was reported."""

    official: Person
    counterpart: Person
    others: list[Person]
    place: Text


class MeetingSuspected(MeetingHeld, total=False):
    """One article names an official and a watched contact; a candidate that nobody confirmed yet."""


class Register(TypedDict, total=False):
    """The register, by the id of its source."""

    id: str
    name: Text


RegisterTimes = TypedDict("RegisterTimes", {"in": str, "out": str, "entered": str}, total=False)
RegisterTimes.__doc__ = "Times as the register has them: coming in, going out, and when the entry was made."


class MeetingRegistered(Observed, total=False):
    """A visits register or an agenda has an entry of a meeting."""

    host: Person
    visitor: Person
    register: Register
    entry: RegisterTimes
    office: str
    entity: str
    reason: str
    place: Text
    left: Moment
    registered_on: Day


class Speaker(Person, total=False):
    """Who spoke. `speaks_for` is `state` when the words are those of a state."""

    speaks_for: str


class Target(TypedDict, total=False):
    """The country, or the countries, that it is aimed at."""

    country: Code | list[Code]


class StatementMade(Observed, total=False):
    """Somebody who speaks for a state or a body said something. The enricher adds `rhetoric` when it is evaluated."""

    speaker: Speaker
    attribution: Annotated[str, Meta(description="direct: their own words; quoted: somebody else's")]
    target: Target
    text: Quote
    quote: Quote
    language: str


Vote = TypedDict("Vote", {"for": int, "against": int, "abstained": int}, total=False)
Vote.__doc__ = "A vote count."


class Position(TypedDict, total=False):
    """A position before and after, in words that rules compare."""

    previous: Text
    new: Text


class Actor(TypedDict, total=False):
    """The country that acts."""

    country: Code


class PolicyChanged(Observed, total=False):
    """A measure, a law, a ruling or a contract changed what holds."""

    actor: Actor
    target: Target
    position: Position
    vote: Vote


class ListName(TypedDict, total=False):
    """Which list, by the id that watchlists name."""

    id: str
    name: Text


class Edition(TypedDict, total=False):
    """When the edition was announced and takes effect, and the one that it was compared with."""

    announced: Day
    effective: Day
    compared_with: Day


ListMove = TypedDict("ListMove", {"country": Code, "change": str, "from": str, "to": str}, total=False)
ListMove.__doc__ = "What happened to one country: added, removed, or moved from one part of the list to another."


class Printing(TypedDict, total=False):
    """One printing: how many countries it says there are, how many it prints, and how it departs from the fullest."""

    source: str
    says: int
    prints: int
    missing: list[Code]
    extra: list[Code]


Codes = list[Code]
Moves = list[ListMove]
Printings = list[Printing]
Kinds = list[str] | str


class ListChanged(Observed, total=False):
    """An edition of a list differs from the one before. `change` are the kinds of change in it, `on_it` the watched
    countries and their region that are on it, `not_named` those that a partial text does not name."""

    list: ListName
    edition: Edition
    changes: Moves
    change: Kinds
    counts: dict[str, int]
    on_it: Codes
    not_named: Codes
    captured: Annotated[str, Meta(description="full or partial")]
    provisional: bool
    printings: Printings


class Designation(TypedDict, total=False):
    """The status, and how far it has come: intended, made, published, withdrawn."""

    kind: str
    name: Text
    stage: str


class DesignationMade(Observed, total=False):
    """A state or an entity was given a status, or put on a list by name."""

    designation: Designation
    affected: Target
    company: Person
    list: ListName
    change: str


class OfficeChanged(Observed, total=False):
    """Somebody took, left or lost an office; `change` says how (censured, removed, resigned, replaced_interim ...)."""

    office: Text
    holder: Person
    successor: Person
    change: str
    vote: Vote


class PollPublished(Observed, total=False):
    """A poll was published."""

    pollster: Text
    question: Text
    shares: dict[str, float]


class ArticlePublished(Observed, total=False):
    """An item of a feed, kept as it came; rules may look at its text."""

    title: str
    link: str
    language: str
    outlet: str
    reliability: str
    mentioned: list[Person]


class InteractionCoded(Observed, total=False):
    """An interaction as a machine-coded data set has it."""

    actor: Actor
    target: Target
    code: str
    score: float


class EventAgain(TypedDict, total=False):
    """The whole event as it should have been, under its old id."""

    type: Required[str]
    data: Required[Mapping[str, Any]]
    time: Moment
    until: Moment


class EventCorrected(Observed, total=False):
    """Replaces what the event `of` said. Its alerts are decided again."""

    of: Required[str]
    event: Required[EventAgain]


class EventWithdrawn(Observed, total=False):
    """The event `of` no longer counts. Its alerts are decided again."""

    of: Required[str]


class SourceRead(TypedDict, total=False):
    """The source that was read."""

    id: Required[str]


Covers = TypedDict("Covers", {"from": Required[Moment], "until": Required[Moment]}, total=False)
Covers.__doc__ = "The half-open interval that the reading covers."


class Capture(TypedDict, total=False):
    """What was captured, by its hash alone."""

    sha256: Sha256


class SourceChecked(Observed, total=False):
    """A source was read. Only `new` and `unchanged` prove that somebody looked. `polled` marks a schedule."""

    source: Required[SourceRead]
    covers: Required[Covers]
    outcome: Required[Annotated[str, Meta(pattern="^(new|unchanged|failed|shrunk)$")]]
    rows: int
    polled: bool
    by: str
    capture: Capture
    reason: str
    detail: str
    watched_rows: int
    bad_rows: int


class Tick(TypedDict, total=False):
    """The clock; `time` of the envelope is all it says."""


class DecidedBefore(TypedDict):
    """Up to the sequence `events` of this partition the semantics `engine` decided; up to `alerts` it is recorded."""

    engine: str
    events: int
    alerts: int


class RulesetActivated(TypedDict, total=False):
    """From here on the ruleset with this hash holds, under these engine semantics.

    `folder` marks a roll back: the SHA-256 of what the folder held when another set was activated than the folder's.
    `facts` marks that these semantics take over from older ones: what those decided is recorded, and stays.
    """

    hash: Required[Sha256]
    engine: Required[str]
    by: str
    reason: str
    folder: Sha256
    facts: DecidedBefore


class AudienceActivated(TypedDict, total=False):
    """From here on the subscribers and teams of this hash hold."""

    hash: Required[Sha256]
    subscribers: int
    by: str
    reason: str


class AlertCommand(TypedDict, total=False):
    """A person's command about the alert with this uid."""

    alert: Required[str]
    by: str
    note: Annotated[str, Meta(description="At most 300 characters are kept.")]


class AlertJudged(AlertCommand, total=False):
    """A person says whether the alert was right."""

    judgement: Required[Annotated[str, Meta(pattern="^(true|false|unclear)$")]]


class AlertAssigned(AlertCommand, total=False):
    """A person gives the alert to a subscriber, who is told of it."""

    to: Required[str]


class Matcher(TypedDict, total=False):
    """What a silence holds back: an alert matches when every part that is given does."""

    countries: list[Code]
    rules: list[str]
    levels: list[str]
    tags: list[str]
    entities: list[str]


class SilenceAdded(TypedDict, total=False):
    """From here on, until `until`, news of alerts that match is held back. Written into every partition.

    `start` is when it begins, if later than the record. `alert` is the uid of one alert, where only that is meant.
    """

    silence: Required[str]
    until: Required[Moment]
    start: Moment
    by: Required[str]
    reason: Required[str]
    matcher: Matcher
    alert: str


class SilenceEnded(TypedDict, total=False):
    """A person ends a silence before its time. Written into every partition."""

    silence: Required[str]
    by: str
    reason: str


class SubscriptionChanged(TypedDict, total=False):
    """A subscriber ends or resumes what is sent by one channel. Written into every partition."""

    subscriber: Required[str]
    via: Required[str]
    by: str


class BeaconLit(TypedDict, total=False):
    """The heartbeat: goes the whole way of an alert, from partition to partition; at the last one it is told outside.

    `slot` is the time for which the first one was lit.
    """

    slot: Required[Moment]


class Refusal(TypedDict, total=False):
    """One record of `rejected`: what could not be taken, by whom, and why.

    A record of the log is named by its position and id; a message or file of the outside by `source` and id, or by
    hash and place. What was refused is never repeated.
    """

    by: Required[str]
    reason: Required[str]
    detail: str
    position: str
    id: str
    source: str
    sha256: Sha256
    place: int


SHAPES: Final[Mapping[str, type]] = {
    "meeting.held": MeetingHeld,
    "meeting.registered": MeetingRegistered,
    "meeting.suspected": MeetingSuspected,
    "statement.made": StatementMade,
    "policy.changed": PolicyChanged,
    "list.changed": ListChanged,
    "designation.made": DesignationMade,
    "office.changed": OfficeChanged,
    "poll.published": PollPublished,
    "article.published": ArticlePublished,
    "interaction.coded": InteractionCoded,
    types.CORRECTED: EventCorrected,
    types.WITHDRAWN: EventWithdrawn,
    types.CHECKED: SourceChecked,
    types.TICK: Tick,
    types.RULESET: RulesetActivated,
    types.AUDIENCE: AudienceActivated,
    types.ACKNOWLEDGE: AlertCommand,
    types.JUDGE: AlertJudged,
    types.RETRACT: AlertCommand,
    types.ASSIGN: AlertAssigned,
    types.SILENCE: SilenceAdded,
    types.SILENCE_END: SilenceEnded,
    types.UNSUBSCRIBE: SubscriptionChanged,
    types.RESUBSCRIBE: SubscriptionChanged,
    types.BEACON: BeaconLit,
}
