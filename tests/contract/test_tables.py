"""Tables that people bring, as real files: encodings, separators, damage, bombs; always the file, row and cure."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, time

import openpyxl
import pytest

from almenara.adapters.files import read_table, tables
from almenara.domain.errors import Faulty
from almenara.engine.folding import fold
from almenara.ingest.register import Import, days_covered, dropped_headers, known_headers, read_register
from almenara.ingest.sources import SourceSpec
from almenara.ports.source import Table

SPEC = SourceSpec(
    id="xal_visits", kind="register_import", country="XAL", drop_fields=("document_number",), zone="America/Lima"
)
HEADERS = ["Item", "Fecha", "Visitante", "Documento", "Entidad", "Motivo", "Empleado Público", "Oficina - Cargo",
           "Hora Ingreso", "Hora Salida", "Local"]  # fmt: skip
ROWS = [
    ["1", "05/01/2026", "QUISPE VELA LIN", "DNI 00000000", "PARTICULAR", "REUNIÓN", "SOTO RIOS EVA", "", "10:08",
     "11:30", "PALACIO"],
    ["2", "05/01/2026", "ÑAUPA TORO INÉS", "CE 000000000", "PARTICULAR", "ENTREVISTA", "SOTO RIOS EVA", "", "12:00",
     "", "PALACIO"],
]  # fmt: skip


def text_of(separator: str = ",", rows: list[list[str]] = ROWS) -> str:
    return "\r\n".join(separator.join(row) for row in [HEADERS, *rows]) + "\r\n"


def workbook(*rows: Sequence[object]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


XLSX = workbook(HEADERS, *ROWS)


def read(body: bytes) -> Table:
    return read_table(body, "visits", known=known_headers(SPEC), drop=dropped_headers(SPEC))


@pytest.mark.parametrize(
    "body",
    [
        text_of().encode(),
        text_of(";").encode("utf-8-sig"),
        text_of("\t").encode("latin-1"),
        text_of(";").encode("utf-16"),
        XLSX,
    ],
    ids=["utf-8", "utf-8-sig", "latin-1", "utf-16", "xlsx"],
)
def test_the_same_table_in_every_dress(body: bytes) -> None:
    table = read(body)
    assert table.columns == tuple(h for h in HEADERS if h != "Documento")
    assert [row.number for row in table.rows] == [2, 3]
    assert table.rows[1].cells["Visitante"] == "ÑAUPA TORO INÉS"
    assert "Hora Salida" not in table.rows[1].cells
    assert "000000" not in repr(table.rows)
    assert len(table.sha256) == 64


def test_a_title_above_the_header_and_dates_of_a_workbook() -> None:
    row = [1, datetime(2026, 1, 5), "QUISPE VELA LIN", "x", None, None, "SOTO RIOS EVA", None, time(10, 8), 0.5, 3.0]  # noqa: DTZ001
    table = read(workbook(["REGISTRO DE VISITAS"], [], HEADERS, row))
    assert table.header == 3
    assert table.rows[0].cells["Fecha"] == "2026-01-05T00:00:00"
    assert table.rows[0].cells["Local"] == "3"
    done = Import(
        by="ana",
        at=datetime(2026, 1, 7, tzinfo=UTC),
        covers=days_covered(date(2026, 1, 5), date(2026, 1, 5), SPEC.zone),
    )
    made = read_register(SPEC, table, done, lambda name: fold(name) == "quispe vela lin")
    assert [draft.time for draft in made.drafts] == [datetime(2026, 1, 5, 15, 8, tzinfo=UTC)]
    assert made.drafts[0].data["left"] == "2026-01-05T17:00:00+00:00"


def zipped(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return made.getvalue()


def repacked(name: str, content: bytes) -> bytes:
    """The good workbook with one part replaced."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(XLSX)) as good, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in good.namelist():
            archive.writestr(member, content if member == name else good.read(member))
    return made.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("says", "body"),
    [
        ("damaged XLSX", XLSX[: len(XLSX) // 2]),
        ("damaged XLSX", XLSX[:-30]),
        ("damaged XLSX", XLSX[:100] + bytes(200) + XLSX[300:]),
        ("damaged XLSX", repacked(SHEET, b"<worksheet><sheetData><row>")),
        ("a bomb?", repacked(SHEET, b" " * 101_000_000)),
        ("declares entities", repacked(SHEET, b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>')),
        ("not an XLSX workbook", zipped(a=b"b")),
        ("old Excel file", b"\xd0\xcf\x11\xe0" + bytes(600)),
        ("a web page", b"  <!DOCTYPE html><html>captcha</html>"),
        ("neither a text table", b"a,b\0c"),
        ("no row of known column headers", b"a,b,c\n1,2,3\n"),
        ("no row of known column headers", b""),
        ("stands twice", b"Fecha,Visitante,Fecha\n"),
        ("characters", b'Fecha,Visitante\n"' + b"a" * 20_000 + b'",b\n'),
        ("not a CSV table", b'Fecha,Visitante\n"' + b"a" * 200_000 + b'",b\n'),
        ("more than 200 columns", b"Fecha,Visitante" + b",a" * 300 + b"\n"),
        ("larger than", b"a" * 50_000_001),
    ],
)
def test_what_cannot_be_read_names_the_file_and_a_cure(says: str, body: bytes) -> None:
    with pytest.raises(Faulty) as caught:
        read(body)
    [fault] = caught.value.faults
    assert says in fault.what
    assert fault.file == "visits"
    assert fault.cure
    assert read(XLSX).rows


def test_faults_of_a_row_have_its_number() -> None:
    with pytest.raises(Faulty) as caught:
        read(("Fecha,Visitante\n" + "a,b\n" * 3 + "c" * 20_000 + ",d\n").encode())
    assert caught.value.faults[0].line == 5


def test_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 5)
    for body in (text_of(rows=ROWS * 4).encode(), workbook(HEADERS, *ROWS * 4)):
        with pytest.raises(Faulty, match="more than 5 rows"):
            read(body)


def test_rows_that_lie_about_their_place_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 1_000)
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
        b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Fecha</t></is></c>'
        b'<c r="B1" t="inlineStr"><is><t>Visitante</t></is></c></row>'
        b'<row r="999999999"><c r="A999999999"><v>1</v></c></row></sheetData></worksheet>'
    )
    with pytest.raises(Faulty, match="empty ones counted"):
        read(repacked(SHEET, sheet))
    near = sheet.replace(b"999999999", b"900")
    assert [row.number for row in read(repacked(SHEET, near)).rows] == [900]


def test_missing_columns_name_the_row_the_header_and_the_cure() -> None:
    table = read(b"Fecha,Visitante\n05/01/2026,X\n")
    done = Import(
        by="ana", at=datetime(2026, 1, 7, tzinfo=UTC), covers=days_covered(date(2026, 1, 5), date(2026, 1, 5), "UTC")
    )
    with pytest.raises(Faulty) as caught:
        read_register(SPEC, table, done, lambda name: False)
    assert str(caught.value).startswith("visits:1: no column for host (looked for: Empleado Público")
    assert "found: Fecha, Visitante" in str(caught.value)
