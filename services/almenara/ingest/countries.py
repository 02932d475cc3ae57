"""Country names as lists print them, and the alpha-3 codes they stand for. Text in, table out.

A name is looked up by exact spelling (case, accents and punctuation aside); one that two countries share, such as
"Congo", has no code. Must not know which list is being read.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from almenara.domain.errors import Fault
from almenara.engine.folding import fold

COLUMNS: Final = ("alpha3", "name_en", "name_es", "spellings")
_CODE: Final = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Countries:
    """Names to codes and back. `codes` maps a folded spelling to every code that claims it."""

    codes: Mapping[str, tuple[str, ...]] = field(repr=False)
    names: Mapping[str, Mapping[str, str]] = field(repr=False)

    def of(self, name: str) -> tuple[str, ...]:
        """The codes that a name stands for: one when it is known, none when unknown, several when ambiguous."""
        folded = fold(name)
        return self.codes.get(folded) or self.codes.get(folded.removeprefix("the "), ())

    def name(self, code: str, language: str) -> str:
        """The country's name in `en` or `es`; the code itself when it is not in the table."""
        return self.names.get(code, {}).get(language, code)

    def both(self, code: str) -> dict[str, str]:
        """The country's name by language."""
        return {language: self.name(code, language) for language in ("en", "es")}


def parse(text: str, file: str) -> tuple[Countries, list[Fault]]:
    """The table of a CSV with the columns alpha3, name_en, name_es, spellings (`|` between), and every fault."""
    faults: list[Fault] = []
    codes: dict[str, dict[str, None]] = {}
    names: dict[str, Mapping[str, str]] = {}
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        return Countries({}, {}), [Fault(file, 1, "not a table of countries", f"columns: {','.join(COLUMNS)}")]
    for row in reader:
        code, en, es = (str(row[column] or "").strip() for column in COLUMNS[:3])
        if not _CODE.fullmatch(code) or code in names or not en or not es:
            faults.append(Fault(file, reader.line_num, f"row '{code}' is no country", "one alpha-3 code, both names"))
            continue
        names[code] = {"en": en, "es": es}
        for spelling in (en, es, *str(row["spellings"] or "").split("|")):
            if fold(spelling):
                codes.setdefault(fold(spelling), {})[code] = None
    return Countries({name: tuple(claims) for name, claims in codes.items()}, names), faults
