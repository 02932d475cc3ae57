"""Where the parts of rules stand: the document of each rule by the rule's name, for what is said about it later."""

from collections.abc import Mapping

from almenara.engine.reading.documents import Document, read
from almenara.engine.reading.filters import is_filter


def documents_by_rule(files: Mapping[str, str]) -> dict[str, Document]:
    """The document of every rule under `rules/` that can be read, by its name (else its id, else its title)."""
    return _documents(files, of_filters=False)


def documents_by_filter(files: Mapping[str, str]) -> dict[str, Document]:
    """The same of every filter."""
    return _documents(files, of_filters=True)


def _documents(files: Mapping[str, str], *, of_filters: bool) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for path in sorted(files):
        for document in read(files[path], path)[0] if path.startswith("rules/") else ():
            if isinstance(document.data, dict) and is_filter(document) is of_filters:
                found.setdefault(name_of(document), document)
    return found


def name_of(document: Document) -> str:
    """What a rule is called: its name, else its id, else its title; empty where it has none of them."""
    return next((str(document.data[key]) for key in ("name", "id", "title") if document.data.get(key)), "")
