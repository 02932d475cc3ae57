"""Figure 4: 100,000 names and aliases looked for in running texts: folded, whole words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import events
import names
import ours
from availability import Missing
from measure import against_d, seconds
from peers import spacy
from setup import Setup
from table import Row, skipped

ALIASES: Final = 100_000
SPACY_TEXTS: Final = 3_000


def rows(setup: Setup) -> Iterator[Row]:
    """The rate over D, the time to build, and the rate over spaCy."""
    known = names.made_up(ALIASES)
    sample = events.lines(setup.count(10_000, least=SPACY_TEXTS), events.NESTED)
    texts = names.texts_with(known, len(sample))
    articles = [ours.article(text) for text in texts]
    ruleset = ours.compiled(events.rules(1), watchlist=ours.watchlist(known))
    find = ours.finder(ruleset)
    build = seconds(lambda: ours.enricher_again(ruleset))
    mine = against_d(sample, lambda: _each(find, articles), rounds=setup.rounds)
    hits = sum(len(find(article)) for article in articles)
    seen = f"{mine}, {hits:,} mentions in {len(texts):,} texts"
    yield Row(
        number="4", what=f"{ALIASES:,} aliases in texts, folded, whole words", found=mine.over_d, target=0.8, note=seen
    )
    yield Row(number="4", what="  time to build", found=build, unit="s", target=1.0, at_most=True)
    some, bodies = texts[:SPACY_TEXTS], setup.written("bodies.jsonl", sample[:SPACY_TEXTS])
    try:
        theirs, their_build, found = spacy.find(
            setup.cache, setup.work, names=[name for _, name in known], texts=some, bodies=bodies, rounds=2
        )
    except Missing as reason:
        yield skipped("4", "  over spaCy PhraseMatcher", reason)
        return
    own = {(number, one["id"]) for number, article in enumerate(articles[:SPACY_TEXTS]) for one in find(article)}
    by_name = {name.casefold(): uid for uid, name in known}
    other = {(number, by_name[text.casefold()]) for number, text in found}
    note = f"spaCy {theirs}, built in {their_build:.0f} s; {len(own & other):,} mentions in common"
    note += f", {len(own - other)} only ours (accents), {len(other - own)} only theirs"
    yield Row(
        number="4",
        what="  over spaCy PhraseMatcher",
        found=mine.over_d / theirs.over_d,
        unit="x",
        target=100,
        note=note,
    )


def _each(find: Callable[[Mapping[str, str]], object], articles: Sequence[Mapping[str, str]]) -> None:
    for article in articles:
        find(article)
