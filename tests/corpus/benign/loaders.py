"""What loaders call, take by a name or fill while they load, and may."""

import gzip
import io
import pickle

from r_objects import NUMBER, call, function, promise, rds, symbol, text


def make(corpus):
    tab = "import joblib\n\ndef _load_pyfunc(path):\n    return joblib.load(path + '/model.joblib')\n"
    flavor = "flavors:\n  python_function:\n    code: code\n    data: data\n    loader_module: loaders.tab\n"
    corpus.folder("repositories", "loader.mlflow", {"MLmodel": flavor, "code/loaders/__init__.py": "", "code/loaders/tab.py": tab}, "clean", "a model with a loader of its own")
    stream = io.BytesIO()
    with gzip.GzipFile(filename="words.txt", mode="wb", fileobj=stream, mtime=0) as file:
        file.write(b"the\nof\nand\n")
    corpus.benign("archives", "named.txt.gz", stream.getvalue(), "a stream that keeps the name of its file")
    corpus.benign("pickles", "large-numbers.pkl", pickle.dumps({n * 0x123456789ABCDEF11357: n for n in range(3000)}, 4), "a dictionary of large numbers")
    formula = call(symbol("~"), symbol("y"), call(symbol("+"), symbol("source"), call(symbol("log"), symbol("url"))))
    for name, item in {
        "formula": call(symbol("lm"), formula, symbol("data")),
        "family": call(symbol("glm"), formula, call(symbol("binomial"), text("logit"))),
        "applied": call(symbol("sapply"), symbol("x"), symbol("mean")),
        "valued": promise(call(symbol("read.csv"), text("cars.csv")), NUMBER),
        "scaled": function(call(symbol("/"), symbol("x"), NUMBER)),
    }.items():
        corpus.benign("r", f"{name}.rds", rds(item), "an object of R as models keep it")
