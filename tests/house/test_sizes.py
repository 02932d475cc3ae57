"""The habits of size and naming in services/almenara: a reader meets small files, small functions, few parameters.

Reads the source as text and syntax trees; imports nothing of it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "services" / "almenara"
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70
MAX_POSITIONAL = 5
NAMES_THAT_SAY_NOTHING = {"utils", "util", "common", "core", "helpers", "misc", "shared", "lib"}
MODULES = sorted(PACKAGE.rglob("*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in MODULES:
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def functions(tree: ast.Module) -> Iterator[tuple[Function, bool]]:
    """Every function, and whether its first parameter is `self` or `cls`."""
    methods = {
        id(item)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, Function)
        and not any(_name(decorator) == "staticmethod" for decorator in item.decorator_list)
    }
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node, id(node) in methods


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_command(node: Function) -> bool:
    """Whether click calls it, by keyword, one parameter for each option."""
    calls = [decorator.func for decorator in node.decorator_list if isinstance(decorator, ast.Call)]
    return any(_name(call) in ("command", "group") for call in calls)


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 40


def test_files_are_at_most_500_lines() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in long.items() if lines > MAX_FILE_LINES} == {}


def test_functions_are_at_most_70_lines() -> None:
    long = []
    for name, tree in trees():
        for node, _ in functions(tree):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                long.append(f"{name}:{node.lineno} {node.name}: {lines} lines")
    assert long == []


def test_functions_take_at_most_5_positional_parameters() -> None:
    many = []
    for name, tree in trees():
        for node, method in functions(tree):
            count = len(node.args.posonlyargs) + len(node.args.args) - method
            if count > MAX_POSITIONAL and not _is_command(node):
                many.append(f"{name}:{node.lineno} {node.name}: {count} positional parameters")
    assert many == []


def test_every_module_says_what_lives_in_it() -> None:
    assert [name for name, tree in trees() if not ast.get_docstring(tree)] == []


def test_init_files_only_re_export() -> None:
    doing = []
    for name, tree in trees():
        if not name.endswith("__init__.py"):
            continue
        for node in tree.body:
            docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            naming = isinstance(node, ast.Assign | ast.AnnAssign) and _targets(node) <= {"__all__", "__version__"}
            if not (docstring or naming or isinstance(node, ast.Import | ast.ImportFrom)):
                doing.append(f"{name}:{node.lineno}")
    assert doing == []


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {_name(target) for target in targets}


def test_every_folder_of_source_is_a_package() -> None:
    folders = {path.parent for path in MODULES}
    assert [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("tree", ["services", "tests"])
def test_nothing_has_a_name_that_says_nothing(tree: str) -> None:
    named = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / tree).rglob("*"))
        if path.stem in NAMES_THAT_SAY_NOTHING and "__pycache__" not in path.parts
    ]
    assert named == []


def test_no_bare_catch_all_outside_the_runner() -> None:
    """`except Exception` swallows what nobody thought of; house.md allows it in the runners alone."""
    allowed = {
        "services/almenara/app/worker.py",
        "services/almenara/adapters/feeds/parser_main.py",  # the main of a child process: answers whatever happens
    }
    caught = [
        f"{name}:{node.lineno}"
        for name, tree in trees()
        if name not in allowed
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or _name(node.type) in ("Exception", "BaseException"))
        and not _raises_again(node)
    ]
    assert caught == []


def _raises_again(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in ast.walk(handler))
