"""`almenara --help` imports nothing heavy: what is slow to import is imported by the verb that needs it."""

import subprocess
import sys

import pytest

HEAVY = ("sqlalchemy", "alembic", "faststream", "aiokafka", "kafka", "apprise", "pydantic", "sigma", "msgspec", "yaml")
CODE = """
import sys
from almenara.cli.main import run
assert run({args!r}) == 0
print(*[name for name in {heavy!r} if name in sys.modules])
"""


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["events", "--help"], ["sources", "try", "--help"]])
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    code = CODE.format(args=args, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip() == ""
