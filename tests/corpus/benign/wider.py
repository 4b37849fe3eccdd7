"""What else people pickle: searches, samplers, whole modules, training arguments, odd tensors, odder frames."""

import argparse
import array
import collections
import datetime
import functools
import ipaddress
import pathlib
import pickle
import zoneinfo


def make(corpus):
    for part in (standard, frames, searches, samplers, boosters, modules, training):
        try:
            part(corpus)
        except ImportError as missing:
            print(f"SKIP benign.wider.{part.__name__}: {missing}")


def write(corpus, category, name, value, protocols=(4,)):
    for protocol in protocols:
        corpus.benign(category, f"{name}-{protocol}.pkl", pickle.dumps(value, protocol), "pickle.dumps")


def data(corpus):
    import numpy as np

    rng = np.random.default_rng(corpus.seed)
    return rng.normal(size=(80, 4)), rng.integers(0, 2, 80)


def standard(corpus):
    values = [datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")), ipaddress.ip_address("1.2.3.4"), array.array("d", [1.5]), collections.UserDict(a=1),
              datetime.timezone(datetime.timedelta(hours=1)), complex(1, 2), functools.partial(int, base=2), bytearray(b"abc" * 50)]
    write(corpus, "python", "values", values, (2, 4, 5))
    write(corpus, "python", "errors-of-all-kinds", [OSError(2, "x"), StopIteration(), UnicodeDecodeError("utf8", b"", 0, 1, "x")])


def frames(corpus):
    import pandas as pd

    frame = pd.DataFrame({
        "a": pd.array(["x", None], dtype="string"), "b": pd.to_timedelta([1, 2], "s"), "c": pd.arrays.SparseArray([0, 1]), "d": pd.period_range("2026", periods=2, freq="Q"),
        "e": pd.interval_range(0, 2), "f": pd.array([True, None], dtype="boolean"), "g": pd.array([1.5, None], dtype="Float64"),
    }, index=pd.date_range("2026", periods=2, tz="Europe/Berlin", freq="h"))
    write(corpus, "pandas", "types", frame, (2, 4, 5))
    write(corpus, "pandas", "levels", pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, "b")])))
    write(corpus, "pandas", "scalars", [pd.Timestamp("2026-01-01", tz="UTC"), pd.Timedelta(1), pd.NaT, pd.Interval(0, 1), pd.offsets.MonthEnd(2)])


def searches(corpus):
    import joblib
    import numpy as np
    import pandas as pd
    import scipy.stats
    from sklearn import cluster, compose, frozen, gaussian_process, kernel_approximation, linear_model, metrics, mixture, model_selection, multioutput, pipeline, preprocessing
    from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
    from sklearn.feature_selection import RFECV, SequentialFeatureSelector
    from sklearn.impute import IterativeImputer

    x, y = data(corpus)
    logistic = linear_model.LogisticRegression
    kernel = gaussian_process.kernels.RBF() + gaussian_process.kernels.WhiteKernel()
    models = {
        "iterative": pipeline.make_pipeline(IterativeImputer(), logistic()).fit(x, y),
        "halving": model_selection.HalvingGridSearchCV(logistic(), {"C": [0.1, 1]}, cv=2).fit(x, y),
        "scorer": model_selection.GridSearchCV(logistic(), {"C": [0.1, 1]}, scoring=metrics.make_scorer(metrics.f1_score), cv=model_selection.StratifiedKFold(3)).fit(x, y),
        "distribution": model_selection.RandomizedSearchCV(logistic(), {"C": scipy.stats.uniform(0.1, 1)}, n_iter=2, cv=3).fit(x, y),
        "elimination": RFECV(logistic(), cv=3).fit(x, y),
        "selector": compose.make_column_transformer((preprocessing.OneHotEncoder(), compose.make_column_selector(dtype_include=object)), remainder=preprocessing.StandardScaler()).fit(pd.DataFrame({"a": ["x", "y"] * 10, "b": range(20)})),
        "consensus": linear_model.RANSACRegressor().fit(x, y), "median": linear_model.TheilSenRegressor(max_iter=5).fit(x, y), "gamma": linear_model.GammaRegressor().fit(x, abs(y) + 1),
        "pandas-output": preprocessing.StandardScaler().set_output(transform="pandas").fit(pd.DataFrame(x)),
        "sequential": SequentialFeatureSelector(logistic(), n_features_to_select=2, cv=2).fit(x, y), "chain": multioutput.ClassifierChain(logistic()).fit(x, np.c_[y, 1 - y]),
        "frozen": frozen.FrozenEstimator(logistic().fit(x, y)), "threshold": model_selection.TunedThresholdClassifierCV(logistic()).fit(x, y), "hdbscan": cluster.HDBSCAN().fit(x),
        "bayesian": mixture.BayesianGaussianMixture(n_components=2).fit(x), "nystroem": kernel_approximation.Nystroem().fit(x), "process": gaussian_process.GaussianProcessRegressor(kernel).fit(x, y),
    }
    for name, model in models.items():
        write(corpus, "scikit-learn", f"wider-{name}", model, (2, 5))
        joblib.dump(model, corpus.path("joblib", f"wider-{name}.joblib", "clean", "joblib.dump of a fitted model"))


def samplers(corpus):
    import category_encoders
    import imblearn.ensemble
    import imblearn.over_sampling
    import imblearn.pipeline
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    x, y = data(corpus)
    words = pd.DataFrame({"a": ["x", "y"] * 40})
    write(corpus, "imbalanced-learn", "pipeline", imblearn.pipeline.make_pipeline(imblearn.over_sampling.SMOTE(), LogisticRegression()).fit(x, y))
    write(corpus, "imbalanced-learn", "forest", imblearn.ensemble.BalancedRandomForestClassifier(3).fit(x, y))
    write(corpus, "category-encoders", "target", category_encoders.TargetEncoder().fit(words, y))
    write(corpus, "category-encoders", "ordinal", category_encoders.OrdinalEncoder().fit(words))


def boosters(corpus):
    import lightgbm
    import numpy as np
    import xgboost
    from sklearn.calibration import CalibratedClassifierCV

    x, y = data(corpus)
    write(corpus, "xgboost", "ranker", xgboost.XGBRanker(n_estimators=2).fit(x, y, qid=np.repeat(range(8), 10)))
    write(corpus, "xgboost", "booster", xgboost.train({"max_depth": 2}, xgboost.DMatrix(x, y), 3))
    write(corpus, "xgboost", "stopped", xgboost.XGBClassifier(n_estimators=5, early_stopping_rounds=2).fit(x, y, eval_set=[(x, y)], verbose=False))
    write(corpus, "xgboost", "calibrated", CalibratedClassifierCV(xgboost.XGBClassifier(n_estimators=2)).fit(x, y))
    write(corpus, "lightgbm", "booster", lightgbm.train({"verbose": -1}, lightgbm.Dataset(x, y), 3))


def modules(corpus):
    import numpy as np
    import torch
    from torch import nn

    torch.manual_seed(corpus.seed)
    net = nn.Sequential(
        nn.LSTM(3, 4), nn.GRU(3, 4), nn.MultiheadAttention(8, 2), nn.TransformerEncoderLayer(8, 2), nn.Embedding(3, 4), nn.GELU(), nn.LayerNorm(4), nn.ModuleList([nn.Linear(2, 2)]),
        nn.ModuleDict({"a": nn.Conv1d(1, 2, 3)}), nn.ParameterList([torch.ones(2)]),
    )
    path = lambda name: corpus.path("torch", name, "clean", "torch.save")
    torch.save(net, path("modules.pt"))
    torch.save(net, path("modules-legacy.pt"), _use_new_zipfile_serialization=False)
    torch.save({"m": net, "opt": torch.optim.AdamW(net.parameters()).state_dict(), "rng": torch.get_rng_state(), "np": np.random.get_state(), "args": argparse.Namespace(lr=0.1, path=pathlib.Path("a"))}, path("everything.pt"))
    torch.save([torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), torch.ones(3).to("meta")], path("odd-tensors.pt"))
    write(corpus, "torch", "optimizer", torch.optim.SGD(net.parameters(), lr=0.1))
    write(corpus, "torch", "half", {"a": torch.ones(3, dtype=torch.bfloat16)})


def training(corpus):
    import torch
    import transformers

    arguments = transformers.TrainingArguments(str(corpus.out / "training"), report_to=[], use_cpu=True)
    torch.save(arguments, corpus.path("torch", "training_args.bin", "clean", "what a trainer saves"))
