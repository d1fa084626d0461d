"""Writes what Python's own `ast` sees in the files below a folder.

One JSON object per file: path and either `error`, or `defs`, `calls` and `imports`.
    python3 python_ast.py FOLDER
"""

import ast
import json
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")
sys.setrecursionlimit(100_000)

# Before 3.12 the places of what is inside of formatted strings are not those of the source.
STRINGS_HAVE_PLACES = sys.version_info >= (3, 12)


def dotted(node):
    """`a.b.c` of names and attributes, or None."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return ".".join(reversed(parts))


def place(node):
    return [node.lineno, node.col_offset, node.end_lineno, node.end_col_offset]


class Visitor(ast.NodeVisitor):
    def __init__(self):
        self.scopes = []
        self.in_string = False
        self.defs, self.calls, self.imports = [], [], []

    def definition(self, node, kind):
        prefix = ""
        if self.scopes:
            name, is_class = self.scopes[-1]
            prefix = name + ("." if is_class else ".<locals>.")
        qualname = prefix + node.name
        documented = ast.get_docstring(node, clean=False) is not None
        self.defs.append([kind, qualname, documented] + place(node))
        self.scopes.append((qualname, kind == "class"))
        self.generic_visit(node)
        self.scopes.pop()

    def visit_FunctionDef(self, node):
        self.definition(node, "function")

    def visit_AsyncFunctionDef(self, node):
        self.definition(node, "async_function")

    def visit_ClassDef(self, node):
        self.definition(node, "class")

    def visit_JoinedStr(self, node):
        outer, self.in_string = self.in_string, True
        self.generic_visit(node)
        self.in_string = outer

    def visit_Call(self, node):
        known = STRINGS_HAVE_PLACES or not self.in_string
        arguments = len(node.args) + len(node.keywords)
        self.calls.append([dotted(node.func), arguments] + (place(node) if known else []))
        self.generic_visit(node)

    def visit_Import(self, node):
        for name in node.names:
            self.imports.append(["import", name.name, None, name.asname, 0] + place(node))

    def visit_ImportFrom(self, node):
        for name in node.names:
            of = ["from", node.module, name.name, name.asname, node.level]
            self.imports.append(of + place(node))


for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.py")):
    if "site-packages" in path.parts:
        continue
    line = {"path": str(path)}
    try:
        visitor = Visitor()
        visitor.visit(ast.parse(path.read_bytes()))
        line.update(defs=visitor.defs, calls=visitor.calls, imports=visitor.imports)
    except (SyntaxError, ValueError, RecursionError) as error:
        line["error"] = str(error)
    print(json.dumps(line))
