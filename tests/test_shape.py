"""Modules, classes and functions stay small enough to be read at one sitting."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "napari_gan_enhance"
MODULES = sorted(SOURCE.rglob("*.py"))

MODULE_LINES, WIDGET_MODULE_LINES = 400, 250
CLASS_LINES, FUNCTION_LINES = 250, 40


def too_long(module: Path) -> list[str]:
    """Name everything in a module that is longer than allowed."""
    text = module.read_text(encoding="utf-8")
    most = WIDGET_MODULE_LINES if "widgets" in module.parts else MODULE_LINES
    lengths = [("module", len(text.splitlines()), most)]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            lengths.append((node.name, length(node), CLASS_LINES))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lengths.append((node.name, code_lines(node, module), FUNCTION_LINES))
    return [f"{name}: {n} lines, at most {m}" for name, n, m in lengths if n > m]


def length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, module: Path) -> int:
    """Count the lines of a function that are code.

    The docstring is not: explaining an array is never too long. Nor is the signature
    of a command: typer reads the table of its options there.
    """
    lines = length(function)
    if ast.get_docstring(function) is not None:
        lines -= length(function.body[0])
    if module.parent.name == "cli":
        lines -= function.body[0].lineno - function.lineno
    return lines


@pytest.mark.parametrize(
    "module", MODULES, ids=lambda m: m.relative_to(SOURCE).as_posix()
)
def test_module_is_short(module: Path) -> None:
    assert too_long(module) == []


def test_rule_finds_what_is_too_long(tmp_path: Path) -> None:
    body = "    x = 1\n" * (FUNCTION_LINES - 1)
    legal = f'def legal():\n    """Explain\n\n    in three lines."""\n{body}'
    long = f"def long():\n    y = 1\n{body}"
    module = tmp_path / "sample.py"
    module.write_text(legal + long + "z = 1\n" * MODULE_LINES, encoding="utf-8")
    assert [found.split(":")[0] for found in too_long(module)] == ["module", "long"]
