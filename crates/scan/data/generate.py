"""generate.py: derives generated.csv from the sources of installed libraries. Run offline, read the difference, commit it.

    python crates/scan/data/generate.py        # in an environment with the libraries of LIBRARIES

A class is inert as an object (made by NEWOBJ, filled by BUILD) when everything Python would run for that comes from
object, from a built-in container, from a method reviewed below, or from a method whose source only compares, copies and
assigns. If the same holds for __init__, calling the class is inert too. An enumeration may be asked for members. Whatever
cannot be shown this way is left out, and is unknown to the scanner. Functions of numerical libraries may be held, never
called. Nothing of this is asked of the machine that scans.
"""

import ast
import enum
import importlib
import inspect
import io
import contextlib
import pkgutil
import sys
import textwrap
import types
import warnings
from pathlib import Path

# Packages to walk, and what not to import of them.
LIBRARIES = {
    "sklearn": ("conftest", "tests", "externals", "_build_utils", "datasets"),
    "numpy": ("tests", "f2py", "distutils", "testing", "conftest", "_pyinstaller", "typing"),
    "torch.nn.modules": ("_functions",),
    "torch.nn.parameter": (),
    "torch.optim.lr_scheduler": (),
    "xgboost": ("spark", "dask", "testing", "federated", "collective", "tracker"),
    "lightgbm": ("dask", "plotting", "libpath"),
    "imblearn": ("tests", "keras", "tensorflow"),
    "category_encoders": (),
    "omegaconf": ("grammar", "grammar_parser", "grammar_visitor", "resolvers", "version", "vendor"),
    "transformers.training_args": (),
    "transformers.training_args_seq2seq": (),
    "transformers.trainer_utils": (),
    "transformers.debug_utils": (),
    "transformers.trainer_pt_utils": (),
    "accelerate.state": (),
    "accelerate.utils.dataclasses": (),
}

# Modules whose public functions models hold by name: scorers, kernels, activations.
FUNCTIONS = (
    "sklearn.metrics", "sklearn.metrics.pairwise", "sklearn.feature_selection", "sklearn.gaussian_process.kernels",
    "sklearn.feature_extraction.text", "sklearn.preprocessing", "torch.nn.functional", "scipy.special",
)

# Methods that do more than assign, and why they are harmless. (owner, method)
REVIEWED = {
    ("sklearn.base.BaseEstimator", "__setstate__"): "compares versions, warns, updates __dict__",
    ("sklearn.base.BaseEstimator", "__getattr__"): "raises",
    ("sklearn.utils._repr_html.base._HTMLDocumentationLinkMixin", "_doc_link_template"): "assigns",
    ("sklearn.utils._bunch.Bunch", "__setattr__"): "sets an item",
    ("sklearn.utils._bunch.Bunch", "__getattr__"): "reads an item",
    ("sklearn.utils._bunch.Bunch", "__setstate__"): "nothing",
    ("sklearn.gaussian_process.kernels.Kernel", "__eq__"): "compares parameters",
    ("sklearn.neural_network._stochastic_optimizers.BaseOptimizer", "__init__"): "assigns",
    ("torch.nn.modules.module.Module", "__setstate__"): "updates __dict__ and adds missing tables of hooks",
    ("torch.nn.modules.module.Module", "__setattr__"): "files a value under parameters, buffers or modules",
    ("torch.nn.modules.module.Module", "__getattr__"): "looks a value up there",
    ("torch.nn.modules.rnn.RNNBase", "__setstate__"): "lists the weights again",
    ("torch.nn.modules.rnn.RNNBase", "__setattr__"): "lists the weights again",
    ("torch.nn.modules.activation.MultiheadAttention", "__setstate__"): "adds a flag",
    ("torch.nn.modules.container.ParameterDict", "__setitem__"): "sets an attribute",
    ("torch.nn.modules.container.ModuleDict", "__setitem__"): "registers a module",
    ("torch.nn.modules.container.ModuleList", "__setitem__"): "registers a module",
    ("torch.nn.modules.container.ModuleList", "append"): "registers a module",
    ("torch.nn.modules.container.ModuleList", "extend"): "registers modules",
    ("torch.nn.modules.container.ParameterList", "append"): "sets an attribute",
    ("torch.nn.modules.container.ParameterList", "extend"): "sets attributes",
    ("torch.nn.modules.container.ParameterList", "__setitem__"): "sets an attribute",
    ("torch.nn.modules.container.Sequential", "__setitem__"): "registers a module",
    ("torch.nn.modules.container.Sequential", "append"): "registers a module",
    ("torch.nn.modules.container.Sequential", "extend"): "registers modules",
    ("xgboost.core.Booster", "__setstate__"): "hands the saved bytes to XGBoost's reader of models, which runs no code of theirs",
    ("xgboost.core.Booster", "__del__"): "frees the native model that __setstate__ made",
    ("lightgbm.basic.Booster", "__setstate__"): "hands the saved text to LightGBM's reader of models",
    ("lightgbm.basic.Booster", "__del__"): "frees the native model that __setstate__ made",
    ("omegaconf.basecontainer.BaseContainer", "__setstate__"): "puts annotations of types back and updates __dict__",
    ("omegaconf.basecontainer.BaseContainer", "__setitem__"): "sets a node",
    ("omegaconf.dictconfig.DictConfig", "__setitem__"): "sets a node",
    ("omegaconf.dictconfig.DictConfig", "__setattr__"): "sets a node",
    ("omegaconf.dictconfig.DictConfig", "__getattr__"): "reads a node",
    ("omegaconf.dictconfig.DictConfig", "__eq__"): "compares nodes",
    ("omegaconf.dictconfig.DictConfig", "__hash__"): "hashes the text",
    ("omegaconf.listconfig.ListConfig", "__setitem__"): "sets a node",
    ("omegaconf.listconfig.ListConfig", "append"): "adds a node",
    ("omegaconf.listconfig.ListConfig", "extend"): "adds nodes",
    ("omegaconf.listconfig.ListConfig", "__setattr__"): "sets a node",
    ("omegaconf.listconfig.ListConfig", "__getattr__"): "reads a node",
    ("omegaconf.listconfig.ListConfig", "__eq__"): "compares nodes",
    ("omegaconf.listconfig.ListConfig", "__hash__"): "hashes the text",
    ("omegaconf.base.Node", "__setstate__"): "updates __dict__",
    ("omegaconf.nodes.ValueNode", "__setstate__"): "updates __dict__",
    ("transformers.training_args.TrainingArguments", "__setattr__"): "assigns",
}

# What Python runs while an object is made, filled, hashed, compared and dropped.
RUN = ("__new__", "__setstate__", "__setattr__", "__del__", "__hash__", "__eq__", "__getattr__", "__getattribute__", "append", "extend", "add", "__setitem__")
BUILT_IN = (object, dict, list, tuple, set, frozenset, int, float, str, bytes, bytearray, complex, Exception, BaseException, ValueError, Warning, UserWarning)
SAFE_CALLS = {"isinstance", "hasattr", "len", "tuple", "dict", "list", "set", "frozenset", "int", "float", "str", "hash", "id", "type", "bool", "min", "max", "sorted",
              "zip", "enumerate", "range", "abs", "sum", "any", "all", "repr", "round", "super", "ValueError", "TypeError", "AttributeError", "KeyError", "NotImplementedError", "OrderedDict"}
SAFE_METHODS = {"get", "items", "keys", "values", "copy", "update", "pop", "setdefault", "append", "extend", "add", "lower", "upper", "format", "startswith", "endswith",
                "__init__", "__setstate__", "__setattr__", "__setitem__", "__eq__", "__hash__", "split", "join", "strip"}


def pure(function):
    """Whether the source only compares, copies and assigns."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Yield, ast.Await, ast.With)):
            return False
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id not in SAFE_CALLS:
                return False
            if isinstance(called, ast.Attribute) and called.attr not in SAFE_METHODS:
                return False
            if not isinstance(called, (ast.Name, ast.Attribute)):
                return False
    return True


def qualified(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


def harmless(cls, method):
    """Whether what `method` of `cls` resolves to is inert."""
    for owner in cls.__mro__:
        if method not in vars(owner):
            continue
        found = vars(owner)[method]
        if owner in BUILT_IN or found is None:
            return True
        if method == "__new__" and issubclass(owner, tuple) and hasattr(owner, "_fields") and found.__module__.startswith("namedtuple_"):
            return True  # written by collections.namedtuple: it hands its arguments to tuple
        if isinstance(found, (staticmethod, classmethod)):
            found = found.__func__
        if (qualified(owner), method) in REVIEWED:
            return True
        if isinstance(found, (types.WrapperDescriptorType, types.MethodDescriptorType, types.BuiltinFunctionType)):
            return owner.__module__ in ("builtins", "collections", "abc", "_collections_abc")
        # What dataclasses write by itself compares and assigns.
        if method in ("__eq__", "__hash__") and getattr(owner, "__dataclass_fields__", None) is not None:
            return True
        if not pure(found):
            return False
        # A method that hands on to the next class is as harmless as that.
        source = inspect.getsource(found)
        if f"super().{method}" in source or f"super({owner.__name__}" in source:
            continue
        return True
    return True


def setters_harmless(cls):
    """A state of two parts sets attributes, unless the class takes its state itself."""
    if any("__setstate__" in vars(owner) for owner in cls.__mro__ if owner is not object):
        return True
    for owner in cls.__mro__:
        if owner in BUILT_IN:
            continue
        for name, value in vars(owner).items():
            if isinstance(value, property) and value.fset is not None and not pure(value.fset) and (qualified(owner), name) not in REVIEWED:
                return False
    return True


def effect(cls):
    if issubclass(cls, enum.Enum):
        missing = next((o for o in cls.__mro__ if "_missing_" in vars(o)), enum.Enum)
        return "enum," if missing is enum.Enum or pure(vars(missing)["_missing_"].__func__) or "raise" in inspect.getsource(vars(missing)["_missing_"].__func__) else None
    if type(cls) not in (type, __import__("abc").ABCMeta) and type(cls).__module__ not in ("sklearn.base", "torch.nn.parameter", "typing"):
        return None
    if any(base not in BUILT_IN and not base.__flags__ & (1 << 9) for base in cls.__mro__):
        return None  # a type written in C: by hand
    if not all(harmless(cls, method) for method in RUN) or not setters_harmless(cls):
        return None
    return "inert," if harmless(cls, "__init__") else "if,object"


def walk(package, leave_out):
    root = importlib.import_module(package)
    yield root
    for info in pkgutil.walk_packages(getattr(root, "__path__", []), package + ".", onerror=lambda _: None):
        parts = info.name.split(".")
        if any(part in leave_out or part == "__main__" for part in parts):
            continue
        try:
            yield importlib.import_module(info.name)
        except BaseException:  # an optional dependency that is not there
            continue


def main():
    warnings.filterwarnings("ignore")
    rows, versions = {}, {}
    for package, leave_out in LIBRARIES.items():
        top = package.split(".")[0]
        try:
            modules = list(walk(package, set(leave_out)))
        except ImportError as missing:
            print(f"SKIP {package}: {missing}", file=sys.stderr)
            continue
        versions[top] = sys.modules[top].__version__
        for module in modules:
            for value in list(vars(module).values()):
                if not isinstance(value, type) or not value.__module__.startswith(top + ".") and value.__module__ != top:
                    continue
                home = sys.modules.get(value.__module__)
                if "." in value.__qualname__ or getattr(home, value.__name__, None) is not value:
                    continue
                with contextlib.suppress(Exception):
                    found = effect(value)
                    if found:
                        rows[value.__module__, value.__name__] = found
    for name in FUNCTIONS:
        module = importlib.import_module(name)
        versions[name.split(".")[0]] = sys.modules[name.split(".")[0]].__version__
        for attribute in getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]:
            value = getattr(module, attribute, None)
            if isinstance(value, types.FunctionType) and value.__module__.startswith(name.split(".")[0] + "."):
                rows.setdefault((value.__module__, value.__name__), "data,")
    import numpy

    for attribute, value in vars(numpy).items():
        if isinstance(value, numpy.ufunc):
            rows.setdefault(("numpy", attribute), "data,")
    for attribute, value in vars(importlib.import_module("scipy.special")).items():
        if isinstance(value, numpy.ufunc):
            rows.setdefault(("scipy.special", attribute), "data,")
            rows.setdefault(("scipy.special._ufuncs", attribute), "data,")
    # scipy's distributions run source text of their state; the contract compares it.
    infrastructure = importlib.import_module("scipy.stats._distn_infrastructure")
    for home in ("scipy.stats._continuous_distns", "scipy.stats._discrete_distns"):
        for attribute, value in vars(importlib.import_module(home)).items():
            own = isinstance(value, type) and issubclass(value, infrastructure.rv_generic) and value.__module__ == home
            if own and not any("__setstate__" in vars(o) or "_attach_methods" in vars(o) for o in value.__mro__ if o.__module__ == home):
                rows[home, attribute] = "if,distribution"
    by_hand = {tuple(line.split(",")[:2]) for line in Path(__file__).with_name("callables.csv").read_text().splitlines() if not line.startswith("#")}
    rows = {key: value for key, value in rows.items() if key not in by_hand}
    out = io.StringIO()
    out.write("# Made by generate.py from " + ", ".join(f"{k} {v.partition('+')[0]}" for k, v in sorted(versions.items())) + ".\n# module,name,effect,contract\n")
    for (module, name), what in sorted(rows.items()):
        out.write(f"{module},{name},{what}\n")
    Path(__file__).with_name("generated.csv").write_text(out.getvalue())
    print(f"{len(rows)} rows", file=sys.stderr)


if __name__ == "__main__":
    main()
