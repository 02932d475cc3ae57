"""What the exceptions of a ruleset (its `filter` documents) take away: the record folded with and without each.

Has no way to send.
"""

from dataclasses import dataclass, replace

from almenara.app.backtest import Watch, fold
from almenara.app.spread import Source
from almenara.app.yaml_text import without_document
from almenara.audit.compare import Found, Range, compare
from almenara.domain.alert import Alert
from almenara.engine.reading import documents
from almenara.engine.reading.filters import is_filter
from almenara.engine.ruleset import Content


@dataclass(frozen=True, slots=True)
class FilterDocument:
    """One filter of a ruleset: its name, else its title, and where it stands."""

    name: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Removed:
    """What a filter removed from the record: alerts that would stand without it, in order of time."""

    filter: FilterDocument
    alerts: tuple[Alert, ...]


def filters_of(content: Content) -> list[FilterDocument]:
    """Every filter document, in order of file and place."""
    return [
        FilterDocument(str(document.data.get("name") or document.data.get("title")), file, document.line("title"))
        for file in sorted(content.files)
        if file.startswith("rules/")
        for document in documents.read(content.files[file], file)[0]
        if is_filter(document)
    ]


def without(content: Content, file: str, line: int) -> Content:
    """The content without the one document of `file` that holds this line; all others keep their lines."""
    return replace(content, files={**content.files, file: without_document(content.files[file], line)})


def removed_by_filters(
    source: Source, content: Content, within: Range, *, jobs: int = 0, watch: Watch | None = None
) -> list[Removed]:
    """For each filter the alerts of the record that changed in the range and would stand without it.

    The record is folded once with all filters and once without each. Raises as `backtest`.
    """
    found = filters_of(content)
    if not found:
        return []
    folded = fold(source, (content, *(without(content, one.file, one.line) for one in found)), jobs=jobs, watch=watch)
    whole = folded.sides[0]
    return [
        Removed(one, tuple(d.alert for d in compare(side, whole, within).alerts if d.found == Found.LOST))
        for one, side in zip(found, folded.sides[1:], strict=True)
    ]
