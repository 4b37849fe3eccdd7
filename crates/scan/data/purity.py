"""purity.py: whether what Python runs for an object of a class does nothing but compare, copy and assign.

Read from the sources, never run. A method is pure when every call in it is of a built-in that computes, of a method that
containers and texts have, of another pure function or method (found by its name in the module, in the class and in what the
class derives from), or of a class whose making is pure. A property that is read counts as called. What cannot be found, and
what opens, imports by a computed name, evaluates, unpickles or asks for attributes by a name of the file, is not pure.
"""

import ast
import builtins
import collections
import functools
import inspect
import linecache
import types
import weakref

BUILT_IN = tuple(
    value for value in vars(builtins).values() if isinstance(value, type) and value not in (type, super, map, filter, property)
) + (collections.OrderedDict, collections.defaultdict, collections.deque)

# Built-in functions that look at values, and types that are made of values.
SAFE_CALLS = {"isinstance", "issubclass", "hasattr", "len", "tuple", "dict", "list", "set", "frozenset", "int", "float", "complex", "str", "bytes", "hash", "id",
              "type", "bool", "min", "max", "sorted", "zip", "enumerate", "range", "abs", "sum", "any", "all", "repr", "round", "super", "callable",
              "reversed", "slice", "object", "divmod", "ord", "chr", "iter", "next", "vars"}
# Methods of containers, texts, numbers and locks. Not `clear`, which a cache on disk has, nor `__setstate__`, which runs what another class does.
SAFE_METHODS = {"get", "items", "keys", "values", "copy", "update", "pop", "setdefault", "append", "extend", "add", "lower", "upper", "format", "startswith", "endswith",
                "__init__", "__setattr__", "__setitem__", "__eq__", "__ne__", "__hash__", "split", "join", "strip", "rstrip", "lstrip", "removeprefix", "removesuffix", "replace",
                "insert", "discard", "index", "count", "popitem", "appendleft", "popleft", "intersection", "union", "difference", "issubset",
                "astype", "reshape", "tolist", "ravel", "flatten", "squeeze", "tobytes", "fill", "acquire", "release", "notify_all", "fromkeys", "title", "isidentifier", "_replace", "_asdict"}
# Functions of other modules that compute, warn or make a value, none of a size that they are told.
SAFE_FUNCTIONS = {
    "warnings.warn", "threading.Lock", "threading.RLock", "threading.local", "threading.Condition", "threading.Event", "collections.deque", "collections.defaultdict",
    "collections.OrderedDict", "collections.Counter", "itertools.count", "itertools.chain", "itertools.repeat", "math.isnan", "math.isclose", "math.sqrt",
    "math.log", "math.ceil", "math.floor", "weakref.ref", "weakref.proxy", "weakref.WeakMethod", "weakref.WeakKeyDictionary", "weakref.WeakValueDictionary", "weakref.WeakSet", "_weakrefset.WeakSet",
    "logging.getLogger", "datetime.datetime.now", "time.time", "time.monotonic", "time.perf_counter", "uuid.uuid4",
    "operator.eq", "dataclasses.fields", "typing.cast", "inspect.isclass", "inspect.isfunction", "numbers.Number", "re.compile", "functools.partial",
}
NUMPY = {"array", "asarray", "array_equal", "allclose", "isnan", "isfinite", "ndim", "shape", "atleast_1d", "atleast_2d",
         "concatenate", "sum", "mean", "sqrt", "log", "exp", "abs", "dtype", "isscalar", "all", "any", "float64", "float32", "int64", "int32", "intp", "uint8", "bool_",
         "zeros_like", "ones_like", "cumsum", "prod", "diag", "where", "max", "min", "unique", "sort", "argsort", "power", "stack", "hstack", "vstack", "finfo", "iinfo"}
TORCH = {"tensor", "Size", "equal"}
DEPTH = 6

# Methods written in C. Names of their types came with Python 3.7, constants of one kind with 3.8.
NATIVE_METHODS = (type(object.__init__), type(str.join), types.BuiltinFunctionType)
CONSTANTS = ("Constant", "Str", "Num", "NameConstant")
CACHED = getattr(functools, "cached_property", property)

# What a function that a model only holds must not reach when somebody calls it later, whatever it is called with.
FORBIDDEN_MODULES = {"os", "posix", "sys", "io", "subprocess", "shutil", "pickle", "_pickle", "cloudpickle", "dill", "joblib", "importlib", "ctypes", "socket", "urllib", "http",
                     "requests", "tempfile", "pathlib", "runpy", "code", "marshal", "shelve", "webbrowser", "multiprocessing", "asyncio", "sqlite3", "zipfile", "tarfile",
                     "gzip", "bz2", "lzma", "builtins", "gc", "inspect", "threading", "concurrent", "logging", "cffi", "pandas", "timeit", "pdb", "signal", "atexit"}
FORBIDDEN_CALLS = {"open", "eval", "exec", "compile", "__import__", "input", "globals", "locals", "getattr", "setattr", "delattr", "breakpoint", "vars", "print", "exit", "quit"}
FORBIDDEN_METHODS = {"load", "loads", "open", "read", "readline", "readlines", "write", "writelines", "save", "dump", "dumps", "system", "popen", "run", "eval", "exec", "execute", "query",
                     "load_module", "import_module", "exec_module", "fromfile", "tofile", "loadtxt", "savetxt", "genfromtxt", "memmap", "unlink", "rmdir", "mkdir", "makedirs", "connect", "send",
                     "sendall", "urlopen", "urlretrieve", "request", "post", "download", "call", "Popen", "check_output", "check_call", "__subclasses__", "save_model", "load_model", "clear"}

# What a method that Python or a library calls by itself of what it is given (iterating it, asking for an item, its length) must not reach.
RUNNING = {"eval", "exec", "compile", "__import__", "execfile"}
RUNNING_METHODS = {"load", "loads", "import_module", "exec_module", "load_module", "system", "popen", "Popen", "check_output", "check_call", "getoutput", "urlopen", "urlretrieve",
                   "rmtree", "unlink", "rmdir", "run_module", "run_path", "unpickle", "load_img"}
# Methods between two underscores that nothing calls while a pickle is read, or that are asked of otherwise.
NOT_BY_ITSELF = {"__init__", "__post_init__", "__attrs_post_init__", "__call__", "__reduce__", "__reduce_ex__", "__getstate__", "__enter__", "__exit__", "__init_subclass__", "__dir__", "__getnewargs__", "__getnewargs_ex__", "__sklearn_tags__", "__delitem__", "__delattr__"}


def qualified(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


@functools.lru_cache(maxsize=None)  # functools.cache came with Python 3.9
def functions_of(file):
    """The functions written in a file, by the line where each begins."""
    tree = ast.parse("".join(linecache.getlines(file)))
    return {min([node.lineno, *(d.lineno for d in node.decorator_list)]): node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def source_of(function):
    """The syntax tree of a function, or nothing."""
    try:
        return functions_of(function.__code__.co_filename).get(function.__code__.co_firstlineno)
    except (SyntaxError, ValueError, AttributeError):
        return None


class Purity:
    """Answers, with the reason of the last no in `why`."""

    def __init__(self, reviewed, native=()):
        self.reviewed = reviewed
        self.native = native
        self.known = {}
        self.held = {}
        self.why = ""

    def harmless(self, cls, method, start=0, depth=DEPTH):
        """Whether what `method` of `cls` resolves to, from the class at `start` of its order on, is inert."""
        key = (cls, method, start)
        if key not in self.known:
            self.settle(self.known, key, lambda: self._harmless(cls, method, start, depth))
        elif not self.known[key]:
            self.why = f"{qualified(cls)}.{method}"
        return self.known[key]

    def settle(self, known, key, answer):
        """Remembers an answer. While it is sought it is taken for yes: what calls itself adds nothing by that. If it turns
        out no, what was found meanwhile may rest on that yes, and is forgotten."""
        known[key] = True
        before = len(known)
        yes = False
        try:
            yes = answer()
        finally:
            for later in [] if yes else list(known)[before:]:
                if known[later]:
                    del known[later]
            known[key] = yes

    def _harmless(self, cls, method, start, depth):
        for place, owner in enumerate(cls.__mro__[start:], start):
            if method not in vars(owner):
                continue
            found = vars(owner)[method]
            if owner in BUILT_IN or owner in self.native or found is None or (qualified(owner), method) in self.reviewed:
                return True
            if isinstance(found, (staticmethod, classmethod)):
                found = found.__func__
            if method == "__new__" and issubclass(owner, tuple) and hasattr(owner, "_fields") and str(found.__module__).startswith("namedtuple_"):
                return True  # written by collections.namedtuple: it hands its arguments to tuple
            if isinstance(found, NATIVE_METHODS):
                ok = owner.__module__ in ("builtins", "collections", "abc", "_collections_abc", "_thread")
                self.why = self.why if ok else f"{qualified(owner)}.{method} is native"
                return ok
            # What dataclasses and attrs write by themselves compares and assigns.
            written = getattr(found, "__code__", None) is not None and found.__code__.co_filename.startswith(("<string>", "<attrs generated"))
            if written and (hasattr(owner, "__dataclass_fields__") or hasattr(owner, "__attrs_attrs__")):
                after = "__post_init__" if hasattr(owner, "__post_init__") else "__attrs_post_init__"
                return method != "__init__" or not hasattr(owner, after) or self.harmless(cls, after, depth=depth)
            if not isinstance(found, types.FunctionType):
                self.why = f"{qualified(owner)}.{method} is a {type(found).__name__}"
                return False
            return self.pure(found, cls, place, depth)
        return True

    def pure(self, function, cls=None, place=0, depth=DEPTH):
        """Whether the source of `function`, found at `place` of the order of `cls`, only compares, copies and assigns."""
        name = f"{function.__module__}.{function.__qualname__}"
        self.why = name
        if depth == 0 or hasattr(function, "__wrapped__") or inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            return False
        tree = source_of(function)
        if not isinstance(tree, ast.FunctionDef):
            return False
        arguments = [a.arg for a in getattr(tree.args, "posonlyargs", []) + tree.args.args]
        scope = Scope(self, function, cls, place, arguments[0] if arguments and cls else None, depth - 1)
        if function.__name__ == "__new__" and any(isinstance(n, ast.Return) and isinstance(n.value, ast.Name) and n.value.id == arguments[0] for n in ast.walk(tree)):
            self.why = f"{name}: gives the class itself, of which a state would be everybody's"
            return False
        # Defaults and decorators ran when the class was made.
        for statement in tree.body:
            for node in ast.walk(statement):
                no = scope.refuses(node)
                if no:
                    self.why = f"{name}: {no}"
                    return False
        return True

    def holdable(self, function, depth=DEPTH):
        """Whether a model may hold the function: nothing it calls, as far as that can be followed, leaves memory."""
        if function not in self.held:
            self.settle(self.held, function, lambda: self._holdable(function, depth))
        return self.held[function]

    def _holdable(self, function, depth):
        if depth == 0:
            return False
        inner = inspect.unwrap(function)
        tree = source_of(inner)
        if not isinstance(tree, ast.FunctionDef):
            return False
        scope = Scope(self, inner, None, 0, None, depth - 1)
        for node in (node for statement in tree.body for node in ast.walk(statement)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                if any(m.split(".")[0] in FORBIDDEN_MODULES for m in modules):
                    return False
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                if node.id in FORBIDDEN_CALLS and scope.value(node) is getattr(builtins, node.id, None):
                    return False
                value = scope.value(node)
                if isinstance(value, types.ModuleType) and value.__name__.split(".")[0] in FORBIDDEN_MODULES:
                    return False
            if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_METHODS:
                return False
            if isinstance(node, (ast.Name, ast.Attribute)):
                value = scope.value(node)
                module = (getattr(value, "__module__", None) or "").split(".")[0]
                if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)) and module in FORBIDDEN_MODULES - {"builtins"}:
                    return False
                if isinstance(value, types.FunctionType) and module not in ("numpy", "scipy", "warnings") and not self.holdable(value, depth - 1):
                    return False
        return True

    def runs(self, cls, depth=3):
        """The method of the data model by which something that was given a `cls` runs what is no method of it, or nothing."""
        for owner in cls.__mro__:
            for name, value in vars(owner).items():
                ours = name.startswith("__") and name.endswith("__") and name not in NOT_BY_ITSELF
                if ours and (qualified(owner), name) not in self.reviewed and self.runs_in(getattr(value, "__func__", value), cls, depth):
                    return f"{qualified(owner)}.{name}"
        return None

    def runs_in(self, function, cls, depth):
        if not isinstance(function, types.FunctionType) or depth == 0:
            return False
        tree = source_of(function)
        for node in ast.walk(tree) if isinstance(tree, ast.FunctionDef) else ():
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Name) and called.id in RUNNING or isinstance(called, ast.Attribute) and called.attr in RUNNING_METHODS:
                return True
            if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "self":
                own = inspect.getattr_static(cls, called.attr, None)
                if own is None or self.runs_in(getattr(own, "__func__", own), cls, depth - 1):
                    return True  # what the class does not have, the object holds: the file says what it is
        return False

    def making(self, cls, depth=DEPTH):
        """Whether calling the class is inert."""
        if cls in BUILT_IN:
            return True
        if type(cls) is not type and type(cls).__module__ not in ("abc", "typing", "sklearn.base"):
            return False
        return all(self.harmless(cls, method, depth=depth) for method in ("__new__", "__init__", "__setattr__", "__del__"))


class Scope:
    """What the names in a function mean."""

    def __init__(self, purity, function, cls, place, me, depth):
        self.purity, self.function, self.cls, self.place, self.me, self.depth = purity, function, cls, place, me, depth
        self.free = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))

    def refuses(self, node):
        """Why `node` is not pure, or nothing."""
        if isinstance(node, (ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom, ast.Await, ast.AsyncWith, ast.AsyncFor)):
            return type(node).__name__
        if isinstance(node, ast.With) and not all(isinstance(i.context_expr, (ast.Attribute, ast.Call)) for i in node.items):
            return "with"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == self.me and isinstance(node.ctx, ast.Load):
            found = inspect.getattr_static(self.cls, node.attr, None)
            if isinstance(found, (property, CACHED)):
                getter = found.fget if isinstance(found, property) else found.func
                owner = next((o for o in self.cls.__mro__ if node.attr in vars(o)), self.cls)
                if (qualified(owner), node.attr) not in self.purity.reviewed and not (isinstance(getter, types.FunctionType) and self.purity.pure(getter, self.cls, self.cls.__mro__.index(owner), self.depth)):
                    return f"property {node.attr} ({self.purity.why})"
        if isinstance(node, ast.Call):
            return self.refuses_call(node)
        return None

    def refuses_call(self, node):
        called = node.func
        if self.value(called) is weakref.ref:
            return None if len(node.args) == 1 and not node.keywords else "gives a weak reference something to call"
        if isinstance(called, ast.Name):
            if called.id in ("getattr", "setattr", "delattr"):
                return self.refuses_attribute(called.id, node.args)
            return self.refuses_value(called.id, self.value(called))
        if not isinstance(called, ast.Attribute):
            return "calls something computed"
        owner = called.value
        if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id == "super":
            if self.cls is None:
                return "super"
            return None if self.purity.harmless(self.cls, called.attr, self.place + 1, self.depth) else f"super ({self.purity.why})"
        if isinstance(owner, ast.Name) and owner.id == self.me and self.cls is not None:
            if isinstance(inspect.getattr_static(self.cls, called.attr, None), (types.FunctionType, staticmethod, classmethod)):
                return None if self.purity.harmless(self.cls, called.attr, depth=self.depth) else f"self.{called.attr} ({self.purity.why})"
            if called.attr == "clear" and any(vars(base).get("clear") is inspect.getattr_static(self.cls, "clear", None) for base in (dict, list, set)):
                return None  # a built-in container's own, which no cache on disk is
            if called.attr in ("__class__",) or inspect.getattr_static(self.cls, called.attr, None) is not None:
                return None if called.attr in SAFE_METHODS else f"self.{called.attr}"
        value = self.value(called)
        kind = self.value(owner)
        if isinstance(kind, type) and kind in BUILT_IN and called.attr in SAFE_METHODS | {"__new__"}:
            return None
        if value is not None:
            return self.refuses_value(f".{called.attr}", value)
        return None if called.attr in SAFE_METHODS else f"calls .{called.attr}"

    def refuses_attribute(self, what, args):
        """Reading or writing an attribute: of the object itself, or by a constant name."""
        if self.function.__name__ == "__getattr__":
            return None
        own = args and isinstance(args[0], ast.Name) and args[0].id == self.me
        constant = len(args) > 1 and type(args[1]).__name__ in CONSTANTS
        if what == "setattr" and own:
            return None
        return None if what == "getattr" and (constant or own) else what

    def refuses_value(self, text, value):
        if value is None:
            return f"calls {text}, which is not found"
        if isinstance(value, type):
            if value in BUILT_IN or value in (type, super) or value.__module__ in ("numpy", "collections") or f"{value.__module__}.{value.__name__}" in SAFE_FUNCTIONS:
                return None
            return None if self.purity.making(value, self.depth) else f"makes {text} ({self.purity.why})"
        name = getattr(value, "__name__", text)
        module = getattr(value, "__module__", None) or ""
        if getattr(builtins, name, None) is value:
            return None if name in SAFE_CALLS else f"calls {name}"
        if f"{module.lstrip('_')}.{name}" in SAFE_FUNCTIONS:
            return None
        if module.split(".")[0] == "numpy" and name in NUMPY and module.split(".")[1:2] in ([], ["_core"], ["core"], ["lib"]) and module.count(".") < 3:
            return None
        if module.split(".")[0] == "torch" and name in TORCH:
            return None
        if (module, name) in self.purity.reviewed:
            return None
        if isinstance(value, types.FunctionType):
            return None if self.purity.pure(value, depth=self.depth) else f"calls {text} ({self.purity.why})"
        return f"calls {text}"

    def value(self, node):
        """What a name or a dotted path means, if it is of the module or of the built-ins."""
        if isinstance(node, ast.Name):
            if node.id in self.function.__code__.co_varnames or node.id in self.function.__code__.co_cellvars:
                return None
            if node.id in self.free:
                try:
                    return self.free[node.id].cell_contents
                except ValueError:
                    return None
            return self.function.__globals__.get(node.id, getattr(builtins, node.id, None))
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value)
            if isinstance(owner, (types.ModuleType, type)):
                return inspect.getattr_static(owner, node.attr, None) if isinstance(owner, type) else vars(owner).get(node.attr)
        return None
