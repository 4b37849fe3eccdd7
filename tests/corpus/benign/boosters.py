"""XGBoost, LightGBM and CatBoost, natively and as scikit-learn estimators."""

import pickle

import joblib
import numpy as np


def make(corpus):
    rng = np.random.default_rng(corpus.seed)
    x, y = rng.normal(size=(60, 4)), rng.integers(0, 2, 60)
    try:
        import xgboost

        for name, model in {"classifier": xgboost.XGBClassifier(n_estimators=3), "regressor": xgboost.XGBRegressor(n_estimators=3), "forest": xgboost.XGBRFClassifier(n_estimators=3)}.items():
            model.fit(x, y)
            for protocol in (2, 4, 5):
                corpus.benign("xgboost", f"{name}-{protocol}.pkl", pickle.dumps(model, protocol), "pickle.dumps of an estimator")
            joblib.dump(model, corpus.path("xgboost", f"{name}.joblib", "clean", "joblib.dump of an estimator"))
            for kind in ("json", "ubj"):
                model.save_model(corpus.path("xgboost", f"{name}.{kind}", "clean", "save_model"))
    except ImportError:
        pass
    try:
        import lightgbm

        for name, model in {"classifier": lightgbm.LGBMClassifier(n_estimators=3, verbose=-1), "regressor": lightgbm.LGBMRegressor(n_estimators=3, verbose=-1)}.items():
            model.fit(x, y)
            for protocol in (2, 4):
                corpus.benign("lightgbm", f"{name}-{protocol}.pkl", pickle.dumps(model, protocol), "pickle.dumps of an estimator")
            joblib.dump(model, corpus.path("lightgbm", f"{name}.joblib", "clean", "joblib.dump of an estimator"))
            model.booster_.save_model(str(corpus.path("lightgbm", f"{name}.txt", "clean", "save_model")))
    except ImportError:
        pass
    try:
        import catboost

        model = catboost.CatBoostClassifier(iterations=3, verbose=False, allow_writing_files=False).fit(x, y)
        for kind in ("cbm", "json"):
            model.save_model(str(corpus.path("catboost", f"classifier.{kind}", "clean", "save_model")), format=kind)
    except ImportError:
        pass
