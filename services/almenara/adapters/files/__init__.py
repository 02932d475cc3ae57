"""Files that people bring: tables as CSV or XLSX."""

from almenara.adapters.files.tables import read_table

__all__ = ["read_table"]
