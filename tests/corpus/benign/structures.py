"""Neighbours of what is hostile for its numbers: the same models as their libraries write them."""

import io
import pickle

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingClassifier, HistGradientBoostingClassifier, IsolationForest
from sklearn.neighbors import BallTree, KDTree, KNeighborsClassifier
from sklearn.tree import DecisionTreeRegressor

from hostile.structures import fasttext, record


def make(corpus):
    rng = np.random.default_rng(corpus.seed)
    rows = rng.normal(size=(80, 4))
    rows[3, 2] = np.nan
    whole = np.nan_to_num(rows)
    labels = (whole[:, 0] > 0).astype(int)
    models = {
        "tree": DecisionTreeRegressor(max_depth=4).fit(rows, whole[:, 0]),
        "stump": DecisionTreeRegressor().fit(whole, np.ones(len(rows))),
        "extra": ExtraTreesRegressor(4).fit(whole, whole[:, :2]),
        "boosting": GradientBoostingClassifier(n_estimators=4).fit(whole, labels),
        "histogram": HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=4, categorical_features=[3]).fit(np.c_[rows[:, :3], np.arange(80) % 5], labels),
        "isolation": IsolationForest(n_estimators=5).fit(whole),
        "kd": KDTree(whole, leaf_size=5),
        "ball": BallTree(whole),
        "neighbours": KNeighborsClassifier(3, algorithm="kd_tree").fit(whole, labels),
    }
    for label, model in models.items():
        for protocol in (2, 4, 5):
            corpus.benign("structures", f"{label}-{protocol}.pkl", pickle.dumps(model, protocol=protocol), "numbers as scikit-learn writes them")
        out = io.BytesIO()
        joblib.dump(model, out)
        corpus.benign("structures", f"{label}.joblib", out.getvalue(), "numbers as scikit-learn writes them")
    import statsmodels.formula.api as formulas

    frame = pd.DataFrame(np.abs(whole) + 1, columns=["y", "a", "b", "c"])
    for label, formula in {"plain": "y ~ a + b", "terms": "np.log(y) ~ C(a > 1) * I(b ** 2) - 1"}.items():
        path = corpus.path("structures", f"ols-{label}.pickle", "clean", "a regression by formula")
        formulas.ols(formula, frame).fit().save(str(path))
    corpus.benign("r", "list.rds", b"A\n3\n262912\n197888\n5\nUTF-8\n531\n2\n14\n2\n1.5\nNA\n16\n1\n262153\n4\na\\040b\\n\n1026\n1\n262153\n5\nnames\n16\n2\n262153\n1\nx\n262153\n1\ny\n254\n", "a list in R's serialization as text")
    event = b"\x09\x00\x00\x80\x12\xd9\xd9\xda\x41\x1a\x0dbrain.Event:2"
    corpus.benign("records", "events.tfrecord", record(event) + record(b"\x09\x00\x00\x80\x12\xd9\xd9\xda\x41\x10\x01"), "events of TensorBoard")
    corpus.benign("records", "ended.tfrecord", record(event) + record(event)[:20], "events of a run that was ended")
    corpus.benign("vectors", "model.ftz", fasttext(["word", "another"]), "a model of fastText")
    corpus.benign("vectors", "vectors.w2v", b"2 3\nword " + b"\0" * 12 + b"\nother " + b"\1" * 12 + b"\n", "binary vectors of word2vec")
