"""pandas and OmegaConf."""

import pickle

import numpy as np
import pandas as pd


def make(corpus):
    rng = np.random.default_rng(corpus.seed)
    frame = pd.DataFrame({
        "f": rng.normal(size=30), "i": np.arange(30), "s": ["a", "b", "c"] * 10, "t": pd.date_range("2026-01-01", periods=30), "b": [True, False] * 15,
        "c": pd.Categorical(["x", "y", "z"] * 10), "n": pd.array([1, None, 3] * 10, dtype="Int64"),
    })
    values = {
        "frame": frame, "floats": frame[["f", "i"]], "series": frame["f"], "strings": frame["s"], "categories": frame["c"], "indexed": frame.set_index(["s", "i"]),
        "index": frame.index, "times": frame["t"], "zone": frame["t"].dt.tz_localize("UTC"), "delta": frame["t"] - frame["t"].min(), "intervals": pd.cut(frame["f"], 3), "periods": frame["t"].dt.to_period("M"),
        "timestamp": pd.Timestamp("2026-01-02"), "missing": pd.NA,
    }
    for name, value in values.items():
        for protocol in (2, 4, 5):
            corpus.benign("pandas", f"{name}-{protocol}.pkl", pickle.dumps(value, protocol), "pickle.dumps of a pandas value")
    frame.to_pickle(corpus.path("pandas", "frame.pkl.gz", "clean", "DataFrame.to_pickle, compressed"), compression={"method": "gzip", "mtime": 1})
    try:
        from omegaconf import OmegaConf
    except ImportError:
        return
    config = OmegaConf.create({"model": {"layers": [1, 2], "name": "base", "lr": 0.1}, "ref": "${model.name}"})
    for protocol in (2, 4):
        corpus.benign("omegaconf", f"config-{protocol}.pkl", pickle.dumps(config, protocol), "pickle.dumps of a configuration")
