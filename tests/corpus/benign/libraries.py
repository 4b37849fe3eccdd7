"""What people pickle of libraries beside the large ones: statistics, survival, graphs, studies, language, clusters."""

import importlib
import pickle


def data(corpus):
    import numpy as np

    rng = np.random.default_rng(corpus.seed)
    x = rng.random((60, 4))
    return x, x[:, 0] * 3 + x[:, 1] + rng.random(60) / 10, (x[:, 0] > 0.5).astype(int)


def statsmodels(x, y, c):
    import statsmodels.api as sm

    return {"ols": sm.OLS(y, sm.add_constant(x)).fit(), "smoothing": sm.tsa.ExponentialSmoothing(y, trend="add").fit()}


def lifelines(x, y, c):
    import lifelines

    return {"kaplan-meier": lifelines.KaplanMeierFitter().fit(abs(y) + 0.1, c), "weibull": lifelines.WeibullFitter().fit(abs(y) + 0.1, c)}


def hmmlearn(x, y, c):
    from hmmlearn import hmm

    return {"gaussian": hmm.GaussianHMM(2, n_iter=3).fit(x)}


def networkx(x, y, c):
    import networkx as nx

    return {"graph": nx.path_graph(4), "directed": nx.DiGraph([(1, 2)]), "multigraph": nx.MultiGraph([(1, 2), (1, 2)])}


def optuna(x, y, c):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    return {"study": study}


def nltk(x, y, c):
    import nltk

    tagged = [[("the", "D"), ("cat", "N")]]
    return {"bayes": nltk.NaiveBayesClassifier.train([({"a": 1}, "x"), ({"a": 2}, "y")]), "tagger": nltk.UnigramTagger(tagged, backoff=nltk.DefaultTagger("N"))}


def pyod(x, y, c):
    from pyod.models.ecod import ECOD

    return {"ecod": ECOD().fit(x)}


def hdbscan(x, y, c):
    import hdbscan

    return {"clusters": hdbscan.HDBSCAN(min_cluster_size=5).fit(x)}


def make(corpus):
    for library in (statsmodels, lifelines, hmmlearn, networkx, optuna, nltk, pyod, hdbscan):
        try:
            importlib.import_module(library.__name__)
        except ImportError as missing:
            print(f"SKIP benign.libraries.{library.__name__}: {missing}")
            continue
        for name, model in library(*data(corpus)).items():
            for protocol in (2, 4):
                corpus.benign(library.__name__, f"{name}-{protocol}.pkl", pickle.dumps(model, protocol), "pickle.dumps of a fitted model")
