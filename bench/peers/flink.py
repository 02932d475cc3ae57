"""Flink: why it is not run. PyFlink has no CEP, and a CEP pattern in Java needs classes of one's own."""

from typing import Final

WHY_NOT: Final = "PyFlink has no pattern library (CEP), and the Java one needs serialisable classes written in Java"
