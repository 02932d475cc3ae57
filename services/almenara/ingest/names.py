"""Names as registers write them (`APELLIDOS NOMBRES`, `APELLIDO, NOMBRE`) and the spellings to compare them by.

Exact comparison only: no distance, no sound. Must not know the lists.
"""

from collections.abc import Callable

from almenara.engine.folding import fold

IsWatched = Callable[[str], bool]
"""Whether a name, as written, is the exact name or an alias of an entry (case, accents, punctuation aside)."""


def normal(name: str) -> str:
    """One spelling for comparison: no case, accents or punctuation; what stands after a comma goes first."""
    return fold(reordered(name))


def reordered(name: str) -> str:
    """`YANG, ZHIHUA` as `ZHIHUA YANG`; a name without a comma, or with several, as it is."""
    before, comma, after = name.partition(",")
    if not comma or "," in after or not before.strip() or not after.strip():
        return " ".join(name.split())
    return f"{' '.join(after.split())} {' '.join(before.split())}"


def matching(name: str, is_watched: IsWatched) -> str:
    """The spelling under which the name is watched: as written, or with the part after its comma first; else empty."""
    if not name:
        return ""
    spellings = (" ".join(name.split()), reordered(name))
    return next((spelling for spelling in spellings if is_watched(spelling)), "")
