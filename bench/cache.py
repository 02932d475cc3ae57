"""Where peers are installed: a folder of the user's cache, filled once, with a message, never the project itself.

A peer that cannot be had raises Missing with the reason; every figure that needs none is printed all the same.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from availability import Missing

INSTALL_LIMIT_S = 1_500


def folder() -> Path:
    """The benchmark's own cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "almenara-bench"


@dataclass(slots=True)
class Cache:
    """Finds peers, and installs what is not there when `may_install`. A failed try is not made twice in a run."""

    wanted: bool = True
    may_install: bool = True
    _failed: dict[str, str] = field(default_factory=dict)

    def python(self, name: str, packages: Sequence[str]) -> Path:
        """The interpreter of a virtual environment that holds these packages. Raises Missing."""
        home = folder() / f"{name}-py{sys.version_info.major}{sys.version_info.minor}"

        def install(into: Path) -> None:
            venv.create(into, with_pip=True)
            pip = [str(into / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
            _run([*pip, "install", "--quiet", *packages], into)

        return self._kept(home, f"{', '.join(packages)} (pip)", install) / "bin" / "python"

    def program(self, crate: str, version: str) -> Path:
        """The program of a crate. Raises Missing."""
        home = folder() / f"{crate}-{version}"

        def install(into: Path) -> None:
            cargo = _tool("cargo", crate)
            _run([cargo, "install", crate, "--version", version, "--locked", "--root", str(into)], into)

        return self._kept(home, f"{crate} {version} (cargo, several minutes)", install) / "bin" / crate

    def go_program(self, module: str, version: str, package: str, *, stubs: Sequence[str] = ()) -> Path:
        """The program of a package of a Go module. Raises Missing.

        It is built from the module's source; `stubs` are files that the module lacks, though it embeds their folders.
        """
        name = Path(package).name
        home = folder() / f"{name}-{version.removeprefix('v')}"

        def install(into: Path) -> None:
            go, source = _tool("go", name), into / "source"
            into.mkdir(parents=True)
            said = _run([go, "mod", "download", "-json", f"{module}@{version}"], into)
            shutil.copytree(json.loads(said)["Dir"], source, copy_function=shutil.copyfile)
            for stub in stubs:
                (source / stub).parent.mkdir(parents=True, exist_ok=True)
                (source / stub).touch()
            _run([go, "build", "-o", str(into / name), f"./{package}"], source)
            shutil.rmtree(source)

        return self._kept(home, f"{module} {version} (go, several minutes)", install) / name

    def jars(self, name: str, pom: Path) -> Path:
        """The folder of the jars that a pom names. Raises Missing."""

        def install(into: Path) -> None:
            maven = _tool("mvn", name)
            into.mkdir(parents=True, exist_ok=True)
            shutil.copy(pom, into / "pom.xml")
            goal = ["dependency:copy-dependencies", "-DoutputDirectory=libs", "-DincludeScope=runtime"]
            _run([maven, "-q", "-B", *goal], into)

        return self._kept(folder() / name, f"{name} (Maven)", install) / "libs"

    def _kept(self, home: Path, what: str, install: Callable[[Path], None]) -> Path:
        if not self.wanted:
            raise Missing("not asked for (--no-peers)")
        if home.name in self._failed:
            raise Missing(self._failed[home.name])
        stamp = home / ".complete"
        if stamp.exists():
            return home
        if not self.may_install:
            raise Missing(f"{what} is not installed (--no-install)")
        print(f"installing {what} into {home}, once", file=sys.stderr, flush=True)
        try:
            # In place: neither a virtual environment nor a cargo root can be moved. The stamp says it is complete.
            shutil.rmtree(home, ignore_errors=True)
            home.parent.mkdir(parents=True, exist_ok=True)
            install(home)
        except (Missing, OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(home, ignore_errors=True)
            self._failed[home.name] = str(error)
            raise Missing(str(error)) from error
        stamp.touch()
        return home


def _tool(name: str, for_what: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{for_what} is not installed, and there is no `{name}` on the path to install it")
    return found


def _run(command: list[str], near: Path) -> str:
    """What it printed. Raises Missing when it fails."""
    work = near if near.is_dir() else Path(tempfile.gettempdir())
    done = subprocess.run(
        command,
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALL_LIMIT_S,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        telling = next(
            (line for line in lines if line.lower().startswith(("error", "[error]"))), " | ".join(lines[-2:])
        )
        raise Missing(f"{Path(command[0]).name} could not install it: {telling[:160]}")
    return done.stdout
