"""A visits register that a person exported: rows into drafts of `meeting.registered`, and the reading itself.

Rows that touch no watched name are counted and nothing else: other visitors are nobody's business. Pure: the table was
read by others; whom the lists watch is a function.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from almenara.domain.errors import Fault, Faulty, Rejected
from almenara.domain.ids import content_id
from almenara.engine.folding import fold
from almenara.ingest.checked import Previous, Reading, ReadOutcome, checked, compare
from almenara.ingest.draft import Draft, cut_quote
from almenara.ingest.names import IsWatched, matching, normal
from almenara.ingest.register_cells import read_day, read_host, read_hour, read_moment
from almenara.ingest.sources import ALL, SourceSpec, nearest
from almenara.ports.source import Row, Table

REGISTERED: Final = "meeting.registered"
BAD_ROW: Final = "bad_row"
OUTSIDE: Final = "outside_covers"
BAD_SHARE: Final = 10
"""More than one bad row in so many, and the reading has failed."""

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "date": ("Fecha", "Fecha de Visita", "Fecha Visita", "Date"),
        "visitor": ("Visitante", "Nombre del Visitante", "Apellidos y Nombres", "Visitor"),
        "host": ("Empleado Público", "Funcionario", "Funcionario Visitado", "Empleado", "Visitado", "Host"),
        "document_number": ("Documento", "Documento de Identidad", "Nro. Documento", "Número de Documento", "DNI"),
        "entity": ("Entidad", "Entidad del Visitante", "Institución", "Empresa", "Entity"),
        "reason": ("Motivo", "Motivo de Visita", "Motivo de la Visita", "Reason"),
        "office": ("Oficina - Cargo", "Oficina / Cargo", "Cargo", "Oficina", "Office"),
        "place": ("Local", "Lugar de Reunión", "Lugar", "Sede", "Place"),
        "hour_in": ("Hora Ingreso", "Hora Ing.", "Hora de Ingreso", "Ingreso", "Time in"),
        "hour_out": ("Hora Salida", "Hora Sal.", "Hora de Salida", "Salida", "Time out"),
        "registered": ("Fecha de Registro", "Fecha Registro", "Registered"),
    }
)
REQUIRED: Final = ("date", "visitor", "host")


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """Who read a register, when (UTC), and the half-open interval (UTC) that the export covers."""

    by: str
    at: datetime
    covers: tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterReading:
    """What a reading gave: entries that touch a watched name, the reading itself, and the rows that were not read."""

    drafts: tuple[Draft, ...]
    checked: Draft
    rejected: tuple[Rejected, ...]


def headers_of(spec: SourceSpec) -> dict[str, tuple[str, ...]]:
    """The headers of each field: those of the source's `columns`, else the ones that Peruvian registers use.

    Raises Faulty for a field that does not exist.
    """
    for name in (*spec.columns, *spec.drop_fields):
        if name not in COLUMNS:
            raise Faulty([Fault(f"source {spec.id}", 0, f"unknown field '{name}'", nearest(name, COLUMNS))])
    return {name: spec.columns.get(name, headers) for name, headers in COLUMNS.items()}


def dropped_headers(spec: SourceSpec) -> frozenset[str]:
    """The headers whose columns must go before anything else, the usual spellings included."""
    headers = headers_of(spec)
    return frozenset(h for name in spec.drop_fields for h in (*headers[name], *COLUMNS[name]))


def known_headers(spec: SourceSpec) -> frozenset[str]:
    """Every header that is looked for."""
    return frozenset(header for headers in headers_of(spec).values() for header in headers)


def days_covered(first: date, last: date, zone: str) -> tuple[datetime, datetime]:
    """The days `first` to `last`, both included, in a zone, as a half-open interval in UTC. Raises Faulty."""
    if last < first:
        raise Faulty([Fault("--covers", 0, f"{last} is before {first}", "write the first day first")])
    start = datetime.combine(first, time(), ZoneInfo(zone))
    return start.astimezone(UTC), datetime.combine(last + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)


def read_register(
    spec: SourceSpec, table: Table, done: Import, is_watched: IsWatched, *, previous: Previous | None = None
) -> RegisterReading:
    """The reading of a register. `previous` is the last reading that covers the same days, if there is one.

    An export made before its last day was over covers no more than the moment it was made. Raises Faulty when columns
    are missing or nothing is covered.
    """
    covers = (done.covers[0], min(done.covers[1], done.at))
    if covers[0] >= covers[1]:
        raise Faulty([Fault(table.file, 0, "covers no time that has passed", "check the days that the export covers")])
    rows = _Rows(spec, table, covers, is_watched)
    drafts: list[Draft] = []
    rejected: list[Rejected] = []
    for row in table.rows:
        try:
            draft = rows.draft(row, done.at)
        except Rejected as error:
            rejected.append(error)
        else:
            drafts += [draft] if draft is not None else []
    same = previous if previous and covers[0] <= previous.covers[0] and previous.covers[1] <= covers[1] else None
    count = len(table.rows)
    failed = BAD_SHARE * len(rejected) > count
    outcome = ReadOutcome.FAILED if failed else compare(count, table.sha256, same)
    more = {"watched_rows": len(drafts), "bad_rows": len(rejected), "by": done.by}
    if failed:
        more["reason"] = "bad_rows"
    reading = Reading(
        source=spec.id,
        country=spec.country,
        at=done.at,
        covers=covers,
        outcome=outcome,
        rows=count,
        sha256=table.sha256,
        more=more,
    )
    return RegisterReading(drafts=tuple(drafts), checked=checked(reading), rejected=tuple(rejected))


class _Rows:
    """Reads the rows of one table."""

    def __init__(
        self, spec: SourceSpec, table: Table, covers: tuple[datetime, datetime], is_watched: IsWatched
    ) -> None:
        self._spec = spec
        self._table = table
        self._covers = covers
        self._zone = ZoneInfo(spec.zone)
        self._is_watched = is_watched
        self._columns = _columns(spec, table)

    def draft(self, row: Row, at: datetime) -> Draft | None:
        """The row as a draft; None when it touches no watched name. Raises Rejected naming row and column."""
        day, hour = self._parse(row, "date", read_day) or self._missing(row, "date")
        visitor = self._cell(row, "visitor") or self._missing(row, "visitor")
        host, office = read_host(self._cell(row, "host") or self._missing(row, "host"))
        hour = self._parse(row, "hour_in", read_hour) or hour
        left = self._parse(row, "hour_out", read_hour)
        registered = self._parse(row, "registered", read_moment)
        time_, until = self._when(day, hour)
        self._inside(row, day, time_, until)
        names = {"visitor": matching(visitor, self._is_watched), "host": matching(host, self._is_watched)}
        if self._spec.keep_rows != ALL and not any(names.values()):
            return None
        data: dict[str, Any] = {
            "register": {"id": self._spec.id},
            "visitor": _person(visitor, names["visitor"]),
            "host": _person(host, names["host"]),
            "office": cut_quote(self._cell(row, "office") or office),
            "entity": cut_quote(self._cell(row, "entity")),
            "reason": cut_quote(self._cell(row, "reason")),
            "place": cut_quote(self._cell(row, "place")),
            "left": self._utc(day, left).isoformat() if left and hour and left >= hour else "",
            "registered_on": registered.date().isoformat() if registered else "",
            "tlp": self._spec.tlp,
        }
        return Draft(
            id=content_id(self._spec.id, REGISTERED, normal(visitor), normal(host), time_, until),
            source=self._spec.id,
            type=REGISTERED,
            time=time_,
            until=until,
            recorded=at,
            countries_key=(self._spec.country,),
            data={name: value for name, value in data.items() if value},
        )

    def _when(self, day: date, hour: time | None) -> tuple[datetime, datetime | None]:
        if hour is not None:
            return self._utc(day, hour), None
        return self._utc(day, time()), self._utc(day + timedelta(days=1), time())

    def _utc(self, day: date, hour: time) -> datetime:
        return datetime.combine(day, hour, self._zone).astimezone(UTC)

    def _inside(self, row: Row, day: date, start: datetime, until: datetime | None) -> None:
        # The whole of the last day counts: an export made at noon may hold an entry of one o'clock.
        last = (self._covers[1] - timedelta(microseconds=1)).astimezone(self._zone).date()
        before = until <= self._covers[0] if until else start < self._covers[0]
        if before or day > last:
            raise Rejected(OUTSIDE, f"{self._place(row, 'date')}: {day} is outside the days that the export covers")

    def _cell(self, row: Row, name: str) -> str:
        header = self._columns.get(name)
        return row.cells.get(header, "") if header else ""

    def _parse(self, row: Row, name: str, read: Any) -> Any:
        text = self._cell(row, name)
        if not text or text in ("-", "--"):
            return None
        try:
            return read(text)
        except ValueError as error:
            raise Rejected(BAD_ROW, f"{self._place(row, name)}: '{text[:40]}' {error}") from None

    def _missing(self, row: Row, name: str) -> Any:
        raise Rejected(BAD_ROW, f"{self._place(row, name)}: the cell is empty; fill it or remove the row")

    def _place(self, row: Row, name: str) -> str:
        return f"{self._table.file} row {row.number}, column {self._columns.get(name, name)}"


def _columns(spec: SourceSpec, table: Table) -> dict[str, str]:
    """The header of each field in this table. Raises Faulty for every required one that is missing."""
    written = {fold(column): column for column in table.columns}
    headers = headers_of(spec)
    found: dict[str, str] = {}
    for name, candidates in headers.items():
        column = next((written[fold(header)] for header in candidates if fold(header) in written), None)
        if column is not None and name not in spec.drop_fields:
            found[name] = column
    faults = [_no_column(table, name, headers[name]) for name in REQUIRED if name not in found]
    if faults:
        raise Faulty(faults)
    return found


def _no_column(table: Table, name: str, candidates: Sequence[str]) -> Fault:
    what = f"no column for {name} (looked for: {', '.join(candidates)})"
    cure = f"found: {', '.join(table.columns)[:300]}; name the right one under `columns:` of the source"
    return Fault(table.file, table.header, what, cure)


def _person(written: str, watched: str) -> dict[str, str]:
    """Under the spelling that the lists know, else as written; always with what was written, and the normal form."""
    name = watched or written
    return {"name": cut_quote(name), "written": cut_quote(written), "normal": normal(written)[:300]}
