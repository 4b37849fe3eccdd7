"""benign.py GROUP FOLDER: writes files as the library GROUP writes them in everyday use."""

import collections
import datetime
import decimal
import fractions
import pickle
import sys
from pathlib import Path

SEED = 7


def python(out):
    values = {
        "numbers": [0, -1, 2**40, 2**200, 1.5, float("nan"), 3 + 4j, True, None],
        "text": {"plain": "text", "accent": "\u00e9\U0001f600", "bytes": b"\x00\xff", "buffer": bytearray(b"x")},
        "containers": [(1, (2, (3,))), {1, 2}, frozenset({3}), {"a": {"b": [{}]}}],
        "collections": [collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1, 2])],
        "defaultdict": collections.defaultdict(list, a=[1]),
        "time": [datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), datetime.timedelta(1)],
        "exact": [decimal.Decimal("1.10"), fractions.Fraction(1, 3)],
    }
    shared = ["seen twice"]
    values["shared"] = [shared, shared]
    loop = []
    loop.append(loop)
    values["loop"] = loop
    for name, value in values.items():
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            (out / f"{name}-{protocol}.pkl").write_bytes(pickle.dumps(value, protocol))


def numpy(out):
    import numpy as np

    rng = np.random.default_rng(SEED)
    arrays = {
        "float32": rng.normal(size=(4, 5)).astype(np.float32),
        "float16": np.arange(6, dtype=np.float16),
        "int64": np.arange(24).reshape(2, 3, 4),
        "fortran": np.asfortranarray(rng.normal(size=(3, 4))),
        "big-endian": np.arange(5, dtype=">f8"),
        "flags": np.array([True, False]),
        "complex": np.array([1 + 2j]),
        "text": np.array(["a", "bcd"]),
        "bytes": np.array([b"a", b"bcd"]),
        "time": np.array(["2026-01-02", "NaT"], dtype="datetime64[D]"),
        "record": np.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")]),
        "empty": np.zeros((0, 3)),
        "scalar": np.array(3.5),
        "long": rng.normal(size=20_000),
    }
    for name, array in arrays.items():
        np.save(out / f"{name}.npy", array)
        for protocol in (0, 2, 4, 5):
            (out / f"{name}-{protocol}.pkl").write_bytes(pickle.dumps({"weights": array}, protocol))
    np.save(out / "objects.npy", np.array([{"a": 1}, ["b"], None], dtype=object), allow_pickle=True)
    np.savez(out / "several.npz", **arrays)
    np.savez_compressed(out / "compressed.npz", **arrays)
    others = {
        "scalars": [np.float32(1), np.int8(2), np.bool_(True), np.float64("inf")],
        "dtype": [np.dtype("f4"), np.dtype([("a", "i4")])],
        "masked": np.ma.masked_array([1, 2, 3], mask=[0, 1, 0]),
        "generator": np.random.default_rng(SEED),
        "random-state": np.random.RandomState(SEED),
    }
    for name, value in others.items():
        (out / f"{name}.pkl").write_bytes(pickle.dumps(value))


def models():
    """Fitted estimators of most families."""
    import numpy as np
    from sklearn import (
        calibration, cluster, compose, decomposition, ensemble, feature_extraction, feature_selection, impute, isotonic,
        linear_model, model_selection, naive_bayes, neighbors, neural_network, pipeline, preprocessing, svm, tree,
    )

    rng = np.random.default_rng(SEED)
    x, y = rng.normal(size=(80, 4)), rng.integers(0, 3, 80)
    classifiers = [
        linear_model.LogisticRegression(), linear_model.SGDClassifier(random_state=SEED), linear_model.Ridge(),
        tree.DecisionTreeClassifier(max_depth=3), ensemble.RandomForestClassifier(4, random_state=SEED),
        ensemble.ExtraTreesRegressor(3), ensemble.GradientBoostingClassifier(n_estimators=3),
        ensemble.HistGradientBoostingClassifier(max_iter=3), ensemble.AdaBoostClassifier(n_estimators=3),
        ensemble.VotingClassifier([("a", naive_bayes.GaussianNB()), ("b", tree.DecisionTreeClassifier())]),
        svm.SVC(probability=False), svm.LinearSVC(), naive_bayes.GaussianNB(),
        neighbors.KNeighborsClassifier(), neighbors.KNeighborsClassifier(algorithm="ball_tree"),
        neural_network.MLPClassifier((5,), max_iter=3, random_state=SEED),
        calibration.CalibratedClassifierCV(naive_bayes.GaussianNB()),
        model_selection.GridSearchCV(tree.DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=3),
        pipeline.make_pipeline(
            impute.SimpleImputer(), preprocessing.StandardScaler(), feature_selection.SelectKBest(k=2),
            decomposition.PCA(2), linear_model.LogisticRegression(),
        ),
        compose.TransformedTargetRegressor(linear_model.LinearRegression(), transformer=preprocessing.StandardScaler()),
    ]
    fitted = [model.fit(x, y) for model in classifiers]
    fitted += [
        cluster.KMeans(2, n_init=1).fit(x), ensemble.IsolationForest(n_estimators=3).fit(x), neighbors.NearestNeighbors().fit(x),
        isotonic.IsotonicRegression().fit(x[:, 0], y), preprocessing.QuantileTransformer(n_quantiles=9).fit(x),
        preprocessing.LabelEncoder().fit(["a", "b"]), preprocessing.OneHotEncoder().fit([["a"], ["b"]]),
        feature_extraction.text.TfidfVectorizer().fit(["one two", "two three"]),
        compose.ColumnTransformer([("n", preprocessing.MinMaxScaler(), [0, 1])], remainder="passthrough").fit(x),
    ]
    for index, model in enumerate(fitted):
        yield f"{index:02d}-{type(model).__name__}", model


def sklearn(out):
    for name, model in models():
        for protocol in (2, 4, 5):
            (out / f"{name}-{protocol}.pkl").write_bytes(pickle.dumps(model, protocol))


def joblib(out):
    import joblib as library
    import numpy as np

    for name, model in models():
        library.dump(model, out / f"{name}.joblib")
    library.dump({"a": np.arange(5000.0), "b": [np.zeros(3)]}, out / "arrays.joblib")
    library.dump({"a": np.arange(5000.0)}, out / "arrays-zlib.joblib", compress=3)
    library.dump({"a": np.arange(5000.0)}, out / "arrays-gzip.joblib", compress=("gzip", 3))


def safetensors(out):
    import numpy as np
    from safetensors.numpy import save_file

    rng = np.random.default_rng(SEED)
    save_file({"w": rng.normal(size=(64, 32)).astype(np.float32), "embedding": np.zeros((64, 32)), "scale": np.ones(1)}, out / "plain.safetensors")
    # A header of 128 bytes: the file begins with 0x80 0x00, as a pickle might.
    header = out / "header-128.safetensors"
    save_file({"w": np.zeros((64, 32), np.float32), "b": np.zeros(32, np.float16)}, header)
    assert header.read_bytes()[:2] == b"\x80\x00", "the header has another length; choose other names"
    save_file({"w": np.zeros((0, 2), np.float32)}, out / "empty-tensor.safetensors")
    save_file({"ids": np.arange(9), "mask": np.ones(3, bool)}, out / "metadata.safetensors", metadata={"format": "np"})


def onnx(out):
    import numpy as np
    import onnx as library
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(SEED)
    weights = numpy_helper.from_array(rng.normal(size=(4, 3)).astype(np.float32), "w")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [y], [weights], doc_string="two layers"))
    model.metadata_props.add(key="author", value="nobody")
    library.save(model, out / "small.onnx")
    library.save(library.shape_inference.infer_shapes(model), out / "with-shapes.onnx")

    then = helper.make_graph([helper.make_node("Identity", ["x"], ["t"])], "then", [], [helper.make_empty_tensor_value_info("t")])
    other = helper.make_graph([helper.make_node("Neg", ["x"], ["e"])], "else", [], [helper.make_empty_tensor_value_info("e")])
    flag = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    branch = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)
    z = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])
    library.save(helper.make_model(helper.make_graph([branch], "g", [x, flag], [z])), out / "branch.onnx")

    ints = numpy_helper.from_array(np.arange(6, dtype=np.int64), "i")
    node = helper.make_node("Constant", [], ["y"], value=ints)
    out_ints = helper.make_tensor_value_info("y", TensorProto.INT64, [6])
    library.save(helper.make_model(helper.make_graph([node], "g", [], [out_ints])), out / "constant.onnx")


def torch(out):
    import torch as library

    library.manual_seed(SEED)
    net = library.nn.Sequential(library.nn.Conv2d(1, 4, 3), library.nn.BatchNorm2d(4), library.nn.Flatten(), library.nn.Linear(144, 10))
    adam = library.optim.Adam(net.parameters())
    net(library.zeros(2, 1, 8, 8)).sum().backward()
    adam.step()
    library.save(net.state_dict(), out / "state.pt")
    library.save(net.state_dict(), out / "legacy.pt", _use_new_zipfile_serialization=False)
    library.save({"epoch": 3, "net": net.state_dict(), "adam": adam.state_dict()}, out / "checkpoint.pt")
    library.save(library.zeros(3, dtype=library.bfloat16), out / "bfloat16.pt")
    library.save({"view": library.arange(10)[2:5], "p": library.nn.Parameter(library.ones(2))}, out / "views.pt")


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True)
    {f.__name__: f for f in (python, numpy, sklearn, joblib, safetensors, onnx, torch)}[sys.argv[1]](folder)
