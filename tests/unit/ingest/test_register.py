"""Visits registers: watched rows only, clear places for what is wrong, and a reading that proves somebody looked."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from almenara.domain.errors import Faulty
from almenara.engine.folding import fold
from almenara.ingest.checked import Previous
from almenara.ingest.draft import stamp
from almenara.ingest.names import matching, normal
from almenara.ingest.register import (
    Import,
    RegisterReading,
    days_covered,
    dropped_headers,
    headers_of,
    read_register,
)
from almenara.ingest.register_cells import read_day, read_hour
from almenara.ingest.sources import SourceSpec
from almenara.ports.source import Row, Table

SPEC = SourceSpec(
    id="xal_visits",
    kind="register_import",
    country="XAL",
    covers="visits to the palace",
    drop_fields=("document_number",),
    zone="America/Lima",
)
AT = datetime(2026, 1, 7, 12, tzinfo=UTC)
DONE = Import(by="ana", at=AT, covers=days_covered(date(2026, 1, 4), date(2026, 1, 6), "America/Lima"))
HEADERS = ("Item", "Fecha", "Visitante", "Entidad", "Motivo", "Empleado Público", "Oficina - Cargo", "Hora Ingreso",
           "Hora Salida", "Local", "Fecha de Registro")  # fmt: skip
WATCHED = {fold(name) for name in ("Lin Quispe Vela", "Quispe Vela Lin", "Ana Toro Paz")}


def is_watched(name: str) -> bool:
    return fold(name) in WATCHED


def cells(**changes: str) -> dict[str, str]:
    made = {
        "Item": "1",
        "Fecha": "05/01/2026",
        "Visitante": "QUISPE VELA LIN",
        "Entidad": "PARTICULAR",
        "Motivo": "REUNION DE TRABAJO",
        "Empleado Público": "SOTO RIOS EVA",
        "Oficina - Cargo": "DESPACHO - ASESOR",
        "Hora Ingreso": "10:08",
        "Hora Salida": "11:30",
        "Local": "PALACIO",
        "Fecha de Registro": "06/01/2026",
    } | {name.replace("_", " "): value for name, value in changes.items()}
    return {name: value for name, value in made.items() if value}


def read(*rows: dict[str, str], previous: Previous | None = None, spec: SourceSpec = SPEC) -> RegisterReading:
    numbered = tuple(Row(number, row) for number, row in enumerate(rows, start=2))
    table = Table(file="visits.csv", sha256="aa", header=1, columns=HEADERS, rows=numbered)
    return read_register(spec, table, DONE, is_watched, previous=previous)


def test_a_row_of_a_watched_visitor_becomes_an_entry() -> None:
    made = read(cells(), cells(Visitante="OTRA PERSONA CUALQUIERA"))
    [draft] = made.drafts
    assert draft.time == datetime(2026, 1, 5, 15, 8, tzinfo=UTC)
    assert draft.until is None
    assert draft.data == {
        "register": {"id": "xal_visits"},
        "visitor": {"name": "QUISPE VELA LIN", "written": "QUISPE VELA LIN", "normal": "quispe vela lin"},
        "host": {"name": "SOTO RIOS EVA", "written": "SOTO RIOS EVA", "normal": "soto rios eva"},
        "office": "DESPACHO - ASESOR",
        "entity": "PARTICULAR",
        "reason": "REUNION DE TRABAJO",
        "place": "PALACIO",
        "left": "2026-01-05T16:30:00+00:00",
        "registered_on": "2026-01-06",
    }
    [event] = stamp(draft, AT)
    assert (event.type, event.country, event.recorded) == ("meeting.registered", "XAL", AT)


def test_other_visitors_are_counted_and_nothing_else() -> None:
    made = read(cells(), *[cells(Visitante=f"PERSONA NUMERO {n}") for n in range(9)])
    assert made.checked.data["rows"] == 10
    assert made.checked.data["watched_rows"] == 1
    assert "PERSONA" not in repr(made)


def test_a_watched_host_counts_too_and_its_office_is_cut_off() -> None:
    row = cells(
        Visitante="OTRA PERSONA",
        Empleado_Público="TORO PAZ, ANA - Equipo Especializado - Asesor",
        **{"Oficina - Cargo": ""},
    )
    [draft] = read(row).drafts
    assert draft.data["host"] == {"name": "ANA TORO PAZ", "written": "TORO PAZ, ANA", "normal": "ana toro paz"}
    assert draft.data["office"] == "Equipo Especializado - Asesor"


def test_keep_rows_all_keeps_all() -> None:
    spec = SourceSpec(**{f: getattr(SPEC, f) for f in SPEC.__dataclass_fields__} | {"keep_rows": "all"})
    assert len(read(cells(), cells(Visitante="OTRA PERSONA"), spec=spec).drafts) == 2


def test_without_its_hour_an_entry_is_known_to_the_day() -> None:
    [draft] = read(cells(Hora_Ingreso="", Hora_Salida="")).drafts
    assert (draft.time, draft.until) == (
        datetime(2026, 1, 5, 5, tzinfo=UTC),
        datetime(2026, 1, 6, 5, tzinfo=UTC),
    )


def test_read_again_with_more_known_it_is_the_same_event() -> None:
    [first], [again] = read(cells(Hora_Salida="")).drafts, read(cells(), cells(Visitante="X Y")).drafts
    [other] = read(cells(Hora_Ingreso="10:09")).drafts
    assert first.id == again.id != other.id


@pytest.mark.parametrize(
    ("changes", "place", "says"),
    [
        ({"Fecha": "32/01/2026"}, "row 3, column Fecha", "calendar"),
        ({"Fecha": "ayer"}, "row 3, column Fecha", "31/08/2015"),
        ({"Fecha": ""}, "row 3, column Fecha", "empty"),
        ({"Visitante": ""}, "row 3, column Visitante", "empty"),
        ({"Empleado_Público": ""}, "row 3, column Empleado Público", "empty"),
        ({"Hora_Ingreso": "25:00"}, "row 3, column Hora Ingreso", "09:20"),
        ({"Fecha": "05/03/2026"}, "row 3, column Fecha", "outside"),
    ],
)
def test_a_bad_row_is_named_with_its_cure(changes: dict[str, str], place: str, says: str) -> None:
    made = read(cells(), cells(**changes), *[cells(Visitante=f"P {n}") for n in range(10)])
    [error] = made.rejected
    assert f"visits.csv {place}" in error.detail
    assert says in error.detail
    assert len(made.drafts) == 1
    assert (made.checked.data["outcome"], made.checked.data["bad_rows"]) == ("new", 1)


def test_more_than_one_bad_row_in_ten_and_the_reading_has_failed() -> None:
    made = read(*[cells(Fecha="?")] * 2, *[cells(Visitante=f"P {n}") for n in range(17)])
    assert made.checked.data["outcome"] == "failed"
    stamp(made.checked, AT)


def test_an_export_of_other_days_proves_nothing() -> None:
    made = read(*[cells(Fecha="05/12/2025", Visitante=f"P {n}") for n in range(5)])
    assert made.checked.data["outcome"] == "failed"
    assert {error.reason for error in made.rejected} == {"outside_covers"}


@pytest.mark.parametrize(
    ("rows", "before", "outcome"), [(10, 20, "new"), (9, 20, "shrunk"), (0, 0, "shrunk"), (5, None, "new")]
)
def test_a_reading_beside_the_one_before(rows: int, before: int | None, outcome: str) -> None:
    previous = None if before is None else Previous(covers=DONE.covers, sha256="bb", rows=before)
    made = read(*[cells(Visitante=f"P {n}") for n in range(rows)], previous=previous)
    assert made.checked.data["outcome"] == outcome


def test_the_same_file_again_is_unchanged() -> None:
    previous = Previous(covers=DONE.covers, sha256="aa", rows=1)
    assert read(cells(), previous=previous).checked.data["outcome"] == "unchanged"


def test_one_of_other_days_is_not_compared() -> None:
    previous = Previous(covers=(DONE.covers[0] - timedelta(days=30), AT), sha256="bb", rows=500)
    assert read(cells(), previous=previous).checked.data["outcome"] == "new"


def test_the_reading_says_who_and_what_and_covers_no_future() -> None:
    done = Import(by="ana", at=AT, covers=days_covered(date(2026, 1, 5), date(2026, 1, 7), "America/Lima"))
    table = Table(file="v.csv", sha256="aa", header=1, columns=HEADERS, rows=(Row(2, cells()),))
    data = read_register(SPEC, table, done, is_watched).checked.data
    assert data == {
        "source": {"id": "xal_visits"},
        "covers": {"from": "2026-01-05T05:00:00+00:00", "until": "2026-01-07T12:00:00+00:00"},
        "outcome": "new",
        "rows": 1,
        "polled": False,
        "watched_rows": 1,
        "bad_rows": 0,
        "by": "ana",
        "capture": {"sha256": "aa"},
    }


def test_missing_columns_are_all_named_with_what_there_is() -> None:
    table = Table(file="v.csv", sha256="aa", header=3, columns=("Item", "Fecha", "Nombre"), rows=())
    with pytest.raises(Faulty) as caught:
        read_register(SPEC, table, DONE, is_watched)
    assert [fault.line for fault in caught.value.faults] == [3, 3]
    text = str(caught.value)
    assert "no column for visitor (looked for: Visitante" in text
    assert "no column for host" in text
    assert "found: Item, Fecha, Nombre" in text


def test_columns_may_be_named_by_the_source() -> None:
    spec = SourceSpec(id="x", kind="register_import", country="XAL", columns={"visitor": ("Quien",)}, zone="UTC")
    assert headers_of(spec)["visitor"] == ("Quien",)
    with pytest.raises(Faulty, match="did you mean 'visitor'"):
        headers_of(SourceSpec(id="x", kind="register_import", columns={"visitr": ("Quien",)}))
    assert "Documento" in dropped_headers(SPEC)


def test_covers_must_be_a_time_that_has_passed() -> None:
    with pytest.raises(Faulty, match="is before"):
        days_covered(date(2026, 1, 5), date(2026, 1, 4), "UTC")
    done = Import(by="ana", at=AT, covers=days_covered(date(2026, 2, 1), date(2026, 2, 2), "UTC"))
    table = Table(file="v.csv", sha256="aa", header=1, columns=HEADERS, rows=())
    with pytest.raises(Faulty, match="no time that has passed"):
        read_register(SPEC, table, done, is_watched)


@pytest.mark.parametrize(
    ("text", "day", "hour"),
    [
        ("31/08/2015", date(2015, 8, 31), None),
        ("24/08/21 17:46", date(2021, 8, 24), time(17, 46)),
        ("2015-08-31T00:00:00", date(2015, 8, 31), None),
        ("2015-08-31 19:04:00", date(2015, 8, 31), time(19, 4)),
        ("1-2-2026", date(2026, 2, 1), None),
    ],
)
def test_days(text: str, day: date, hour: time | None) -> None:
    assert read_day(text) == (day, hour)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("9:20", time(9, 20)),
        ("09:20:30", time(9, 20, 30)),
        ("9:20 p. m.", time(21, 20)),
        ("12:05 a.m.", time(0, 5)),
        ("12:05 PM", time(12, 5)),
        ("7 pm", time(19)),
        ("0.5", time(12)),
    ],
)
def test_hours(text: str, hour: time) -> None:
    assert read_hour(text) == hour


@pytest.mark.parametrize("text", ["24:00", "13:00 pm", "9", "", "noon", "9:60"])
def test_what_is_no_hour(text: str) -> None:
    with pytest.raises(ValueError, match="no hour"):
        read_hour(text)


def test_names_are_compared_exactly_in_either_order_of_a_comma() -> None:
    assert normal("Quispe Vela, Lín") == normal("LIN QUISPE-VELA") == "lin quispe vela"
    assert matching("QUISPE VELA , LIN", is_watched) == "QUISPE VELA , LIN"
    assert matching("TORO PAZ, ANA", is_watched) == "ANA TORO PAZ"
    assert matching("TORO PAZ, ANAS", is_watched) == matching("", is_watched) == ""


def test_nothing_but_known_shapes_of_cells() -> None:
    odd: Any = cells(Hora_Salida="09:00", Hora_Ingreso="10:00")
    [draft] = read(odd).drafts
    assert "left" not in draft.data
