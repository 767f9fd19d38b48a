"""What type checkers are told is what there is."""

import ast
import inspect
import os
import unittest

import xbar
from xbar import _xbar


def parameters(function):
    """Names, kinds and defaults of a function of the stubs."""
    spec = function.args
    positional = spec.posonlyargs + spec.args
    defaults = [None] * (len(positional) - len(spec.defaults)) + spec.defaults
    found = [(arg.arg, "positional", default) for arg, default in zip(positional, defaults)]
    found += [(arg.arg, "keyword", default) for arg, default in zip(spec.kwonlyargs, spec.kw_defaults)]
    return [(name, kind, default and ast.literal_eval(default)) for name, kind, default in found if name not in ("self", "cls")]


def real(function):
    kinds = {inspect.Parameter.KEYWORD_ONLY: "keyword"}
    return [
        (p.name, kinds.get(p.kind, "positional"), None if p.default is p.empty else p.default)
        for p in inspect.signature(function).parameters.values()
        if p.name not in ("self", "cls")
    ]


class Stubs(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(os.path.dirname(xbar.__file__), "_xbar.pyi")) as file:
            self.tree = ast.parse(file.read())

    def test_the_package_is_marked_as_typed(self):
        self.assertTrue(os.path.exists(os.path.join(os.path.dirname(xbar.__file__), "py.typed")))

    def test_every_name_is_told_and_no_other(self):
        names = {node.name for node in self.tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        public = {name for name in vars(_xbar) if not name.startswith("_")} - {"INLINE_BYTES"}
        self.assertEqual(names, public)
        self.assertLessEqual(public, set(xbar.__all__) | set(xbar.log.__all__))

    def test_every_method_is_told_with_its_parameters_and_no_other(self):
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                self.assertEqual(parameters(node), real(getattr(_xbar, node.name)), node.name)
            if not isinstance(node, ast.ClassDef):
                continue
            kind = getattr(_xbar, node.name)
            told = {function.name: function for function in node.body if isinstance(function, ast.FunctionDef)}
            public = {name for name in vars(kind) if not name.startswith("_")}
            self.assertEqual({name for name in told if not name.startswith("_")}, public, node.name)
            self.assertTrue(kind.__doc__, node.name)
            for name, function in told.items():
                is_property = any(isinstance(d, ast.Name) and d.id == "property" for d in function.decorator_list)
                thing = kind if name == "__new__" else getattr(kind, name, None)
                self.assertEqual(is_property, inspect.isgetsetdescriptor(thing), f"{node.name}.{name}")
                if not is_property and (name == "__new__" or not name.startswith("_")):
                    self.assertEqual(parameters(function), real(thing), f"{node.name}.{name}")


if __name__ == "__main__":
    unittest.main()
