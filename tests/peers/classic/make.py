"""Exports every model of scikit-learn, XGBoost and LightGBM that there is a converter for, and asks ONNX Runtime.

    make.py FOLDER [WORD]        cases whose name contains WORD

Each case is a folder: `model.onnx`, `rows.f32` (200 rows that the model was not trained on), and what ONNX Runtime gives
for each numeric output, `theirs.json`. Names of classes are numbered in the order of the alphabet. Data are made from a
seed: what is tested is the meaning of the operators. A case that the exporter itself refuses is listed in
`not-exported.txt`. Left out is what a converter writes otherwise than its library means it (XGBoost for two targets,
imputers with an indicator).

`noise` is by how much ONNX Runtime's own answers move where rows move by the last bit of a float32: sums of large terms
that cancel have no more digits than that.
"""

import json
import sys
import warnings
from pathlib import Path

import lightgbm
import numpy as np
import onnxruntime
import xgboost
from onnxmltools.convert import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as OtherFloats
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes)
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm as lightgbm_inside
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost as xgboost_inside
from sklearn import (
    calibration, cluster, compose, covariance, cross_decomposition, datasets, decomposition, discriminant_analysis,
    ensemble, feature_selection, gaussian_process, impute, kernel_approximation, linear_model, mixture, model_selection,
    multiclass, multioutput, naive_bayes, neighbors, neural_network, pipeline, preprocessing, random_projection, svm, tree)

warnings.filterwarnings("ignore")
onnxruntime.set_default_logger_severity(4)
rng = np.random.default_rng(11)
F, N = 6, 200
NAMES = np.array(["amber", "blue", "coral"])


def blobs(classes, seed):
    """Rows of overlapping clusters; values of both signs."""
    x, y = datasets.make_classification(
        n_samples=600, n_features=F, n_informative=4, n_redundant=1, n_classes=classes, n_clusters_per_class=1,
        class_sep=0.8, flip_y=0.08, random_state=seed)
    return x.astype(np.float32), y


three_x, three_y = blobs(3, 1)
two_x, two_y = blobs(2, 2)
weights = np.array([0.3, -1.0, 2.0, 0.5, 0.0, -0.4])
target = (three_x @ weights + np.sin(three_x[:, 0]) + rng.normal(0, 0.1, len(three_x))).astype(np.float32)
targets = np.column_stack([target, three_x[:, 1] * 2 + three_x[:, 4]]).astype(np.float32)
marks = np.column_stack([two_y, (two_x[:, 0] > 0).astype(int)])
counts_x = rng.integers(0, 9, (600, F)).astype(np.float32)
counts_y = ((counts_x[:, 0] + rng.normal(0, 2, 600)) > counts_x[:, 1]).astype(int) + (counts_x[:, 2] > 6)
holes_x = np.where(rng.random(three_x.shape) < 0.1, np.nan, three_x).astype(np.float32)

DATA = {
    "two": (two_x, two_y), "three": (three_x, three_y), "named": (three_x, NAMES[three_y]),
    "odd": (two_x, np.array([-1, 7])[two_y]), "regress": (three_x, target), "regress2": (three_x, targets),
    "marks": (two_x, marks), "positive": (np.abs(three_x), three_y), "counts": (counts_x, counts_y),
    "counts_named": (counts_x, NAMES[counts_y]), "counts_two": (counts_x, (counts_y > 0).astype(int)),
    "holes": (holes_x, three_y), "holes_regress": (holes_x, target), "positive_regress": (three_x, np.abs(target) + 0.1),
    "alone": (three_x, None),
}
DRAW = {name: data[0] for name, data in DATA.items()}

cases = {}


def fresh(x):
    """Rows like those of the training, which are none of them."""
    rows = x[rng.choice(len(x), N, replace=False)].copy()
    if np.all(x == np.round(x)):
        return np.clip(rows + rng.integers(-1, 2, rows.shape), 0, None).astype(np.float32)
    rows = rows + rng.normal(0, 0.2, rows.shape) * np.nanstd(x, axis=0)
    return (np.abs(rows) if np.nanmin(x) >= 0 else rows).astype(np.float32)


def scikit(name, model, data="three", opset=17, ml=3, **options):
    def make():
        x, y = DATA[data]
        model.fit(x, y) if y is not None else model.fit(x)
        return to_onnx(model, x[:1], target_opset={"": opset, "ai.onnx.ml": ml}, **options)
    cases[name] = (make, DRAW[data])


def boosted(name, convert, model, data="three", opset=15, **fit):
    def make():
        x, y = DATA[data]
        model.fit(x, y, **fit)
        return convert(model, initial_types=[("X", OtherFloats([None, x.shape[1]]))], target_opset=opset)
    cases[name] = (make, DRAW[data])


def both(name, model, data=("two", "three", "named"), **more):
    """A classifier of two classes, three, and three with names; scores as a tensor and as maps."""
    for kind in data:
        scikit(f"{name}-{kind}", model, kind, options={"zipmap": False}, **more)
    scikit(f"{name}-zipmap", model, data[-1], **more)


small = dict(n_estimators=8, random_state=0)
shallow = dict(max_depth=3, random_state=0)
logistic = linear_model.LogisticRegression()

# Classifiers.
for name, model in {
    "tree": tree.DecisionTreeClassifier(**shallow), "extra-tree": tree.ExtraTreeClassifier(**shallow),
    "forest": ensemble.RandomForestClassifier(max_depth=4, **small),
    "extra-trees": ensemble.ExtraTreesClassifier(max_depth=4, **small),
    "gradient-boosting": ensemble.GradientBoostingClassifier(max_depth=3, **small),
    "histogram-boosting": ensemble.HistGradientBoostingClassifier(max_iter=8, random_state=0),
    "adaboost": ensemble.AdaBoostClassifier(tree.DecisionTreeClassifier(max_depth=2), **small),
    "bagging": ensemble.BaggingClassifier(tree.DecisionTreeClassifier(max_depth=3), **small),
    "bagging-part": ensemble.BaggingClassifier(logistic, max_features=0.5, **small),
    "bagging-svc": ensemble.BaggingClassifier(svm.SVC(random_state=0), n_estimators=3, random_state=0),
    "logistic": logistic, "logistic-cv": linear_model.LogisticRegressionCV(cv=2),
    "sgd": linear_model.SGDClassifier(random_state=0), "sgd-log": linear_model.SGDClassifier(loss="log_loss", random_state=0),
    "sgd-huber": linear_model.SGDClassifier(loss="modified_huber", random_state=0),
    "svc": svm.SVC(probability=True, random_state=0), "svc-linear": svm.SVC(kernel="linear", probability=True, random_state=0),
    "svc-poly": svm.SVC(kernel="poly", degree=2, coef0=1, probability=True, random_state=0),
    "svc-sigmoid": svm.SVC(kernel="sigmoid", probability=True, random_state=0),
    "nu-svc": svm.NuSVC(probability=True, nu=0.3, random_state=0),
    "knn": neighbors.KNeighborsClassifier(), "knn-distance": neighbors.KNeighborsClassifier(weights="distance"),
    "knn-manhattan": neighbors.KNeighborsClassifier(metric="manhattan"),
    "radius": neighbors.RadiusNeighborsClassifier(radius=9.0),
    "gaussian-nb": naive_bayes.GaussianNB(), "bernoulli-nb": naive_bayes.BernoulliNB(),
    "lda": discriminant_analysis.LinearDiscriminantAnalysis(),
    "qda": discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1),
    "mlp": neural_network.MLPClassifier((10, 5), max_iter=60, random_state=0),
    "mlp-tanh": neural_network.MLPClassifier((10,), activation="tanh", max_iter=60, random_state=0),
    "mlp-logistic": neural_network.MLPClassifier((10,), activation="logistic", max_iter=60, random_state=0),
    "voting-soft": ensemble.VotingClassifier(
        [("a", logistic), ("b", tree.DecisionTreeClassifier(**shallow)), ("c", naive_bayes.GaussianNB())], voting="soft",
        flatten_transform=False),
    "voting-hard": ensemble.VotingClassifier(
        [("a", logistic), ("b", tree.DecisionTreeClassifier(**shallow)), ("c", naive_bayes.GaussianNB())],
        flatten_transform=False),
    "voting-weighted": ensemble.VotingClassifier(
        [("a", logistic), ("b", tree.DecisionTreeClassifier(**shallow))], voting="soft",
        weights=np.array([1, 3]), flatten_transform=False),
    "stacking": ensemble.StackingClassifier(
        [("a", logistic), ("b", tree.DecisionTreeClassifier(**shallow))], ensemble.RandomForestClassifier(**small)),
    "stacking-passthrough": ensemble.StackingClassifier(
        [("a", logistic), ("b", tree.DecisionTreeClassifier(**shallow))], logistic, passthrough=True),
    "calibrated-sigmoid": calibration.CalibratedClassifierCV(tree.DecisionTreeClassifier(**shallow), cv=2),
    "calibrated-isotonic": calibration.CalibratedClassifierCV(logistic, method="isotonic", cv=2),
    "calibrated-svc": calibration.CalibratedClassifierCV(svm.LinearSVC(random_state=0), cv=2),
    "one-vs-rest": multiclass.OneVsRestClassifier(logistic),
    "one-vs-rest-trees": multiclass.OneVsRestClassifier(ensemble.GradientBoostingClassifier(max_depth=2, **small)),
    "one-vs-rest-mlp": multiclass.OneVsRestClassifier(neural_network.MLPClassifier((8,), max_iter=50, random_state=0)),
    "grid-search": model_selection.GridSearchCV(tree.DecisionTreeClassifier(random_state=0), {"max_depth": [2, 3]}, cv=2),
}.items():
    both(name, model)
for name, model in {
    "linear-svc": svm.LinearSVC(random_state=0), "perceptron": linear_model.Perceptron(random_state=0),
    "passive-aggressive": linear_model.PassiveAggressiveClassifier(random_state=0),
    "ridge-classifier": linear_model.RidgeClassifier(), "ridge-classifier-cv": linear_model.RidgeClassifierCV(),
    "svc-labels": svm.SVC(random_state=0), "nu-svc-labels": svm.NuSVC(nu=0.3, random_state=0),
    "one-vs-one": multiclass.OneVsOneClassifier(logistic),
}.items():
    for kind in ("two", "three", "named"):
        scikit(f"{name}-{kind}", model, kind)
for name, model in {
    "multinomial-nb": naive_bayes.MultinomialNB(), "complement-nb": naive_bayes.ComplementNB(),
    "categorical-nb": naive_bayes.CategoricalNB(min_categories=12), "bernoulli-nb-counts": naive_bayes.BernoulliNB(binarize=3),
}.items():
    both(name, model, ("counts_two", "counts", "counts_named"))
both("threshold", model_selection.TunedThresholdClassifierCV(logistic, cv=2), ("two",))
both("gaussian-process", gaussian_process.GaussianProcessClassifier(gaussian_process.kernels.RBF(2.0)), ("two",))
for name, model in {"logistic": logistic, "forest": ensemble.RandomForestClassifier(max_depth=4, **small),
                    "svc": svm.SVC(probability=True, random_state=0), "adaboost": ensemble.AdaBoostClassifier(**small),
                    "mlp": neural_network.MLPClassifier((8,), max_iter=50, random_state=0)}.items():
    scikit(f"{name}-odd-labels", model, "odd", options={"zipmap": False})
scikit("logistic-raw", logistic, options={"zipmap": False, "raw_scores": True})
scikit("svc-raw", svm.SVC(random_state=0), options={"zipmap": False, "raw_scores": True})
scikit("svc-raw-two", svm.SVC(random_state=0), "two", options={"zipmap": False, "raw_scores": True})
scikit("gradient-boosting-raw", ensemble.GradientBoostingClassifier(max_depth=2, **small), options={"zipmap": False, "raw_scores": True})
scikit("mlp-columns", neural_network.MLPClassifier((8,), max_iter=50, random_state=0), "two", options={"zipmap": "columns"})
scikit("forest-marks", ensemble.RandomForestClassifier(max_depth=3, **small), "marks", options={"zipmap": False})
scikit("multi-output-classifier", multioutput.MultiOutputClassifier(logistic), "marks", options={"zipmap": False})
scikit("mlp-marks", neural_network.MLPClassifier((8,), max_iter=50, random_state=0), "marks", options={"zipmap": False})
scikit("knn-marks", neighbors.KNeighborsClassifier(), "marks", options={"zipmap": False})
scikit("one-vs-rest-marks", multiclass.OneVsRestClassifier(logistic), "marks", options={"zipmap": False})
scikit("histogram-boosting-holes", ensemble.HistGradientBoostingClassifier(max_iter=8, random_state=0), "holes", options={"zipmap": False})

# Regressors.
for name, model in {
    "tree": tree.DecisionTreeRegressor(**shallow), "extra-tree": tree.ExtraTreeRegressor(**shallow),
    "forest": ensemble.RandomForestRegressor(max_depth=4, **small), "extra-trees": ensemble.ExtraTreesRegressor(max_depth=4, **small),
    "gradient-boosting": ensemble.GradientBoostingRegressor(max_depth=3, **small),
    "gradient-boosting-huber": ensemble.GradientBoostingRegressor(loss="huber", max_depth=3, **small),
    "histogram-boosting": ensemble.HistGradientBoostingRegressor(max_iter=8, random_state=0),
    "adaboost": ensemble.AdaBoostRegressor(**small), "bagging": ensemble.BaggingRegressor(**small),
    "linear": linear_model.LinearRegression(), "ridge": linear_model.Ridge(), "ridge-cv": linear_model.RidgeCV(),
    "lasso": linear_model.Lasso(0.1), "lasso-cv": linear_model.LassoCV(cv=2), "lars": linear_model.Lars(),
    "lars-cv": linear_model.LarsCV(cv=2), "lasso-lars": linear_model.LassoLars(0.01), "lasso-lars-cv": linear_model.LassoLarsCV(cv=2),
    "lasso-lars-ic": linear_model.LassoLarsIC(), "elastic": linear_model.ElasticNet(0.1), "elastic-cv": linear_model.ElasticNetCV(cv=2),
    "orthogonal": linear_model.OrthogonalMatchingPursuit(), "orthogonal-cv": linear_model.OrthogonalMatchingPursuitCV(cv=2),
    "bayesian": linear_model.BayesianRidge(), "ard": linear_model.ARDRegression(), "huber": linear_model.HuberRegressor(),
    "theil-sen": linear_model.TheilSenRegressor(random_state=0), "ransac": linear_model.RANSACRegressor(random_state=0),
    "quantile": linear_model.QuantileRegressor(alpha=0.01), "sgd": linear_model.SGDRegressor(random_state=0),
    "passive-aggressive": linear_model.PassiveAggressiveRegressor(random_state=0), "linear-svr": svm.LinearSVR(random_state=0),
    "svr": svm.SVR(), "svr-linear": svm.SVR(kernel="linear"), "svr-poly": svm.SVR(kernel="poly", degree=2),
    "svr-sigmoid": svm.SVR(kernel="sigmoid"), "nu-svr": svm.NuSVR(),
    "knn": neighbors.KNeighborsRegressor(), "knn-distance": neighbors.KNeighborsRegressor(weights="distance"),
    "radius": neighbors.RadiusNeighborsRegressor(radius=9.0), "mlp": neural_network.MLPRegressor(hidden_layer_sizes=(10,), max_iter=60, random_state=0),
    "gaussian-process": gaussian_process.GaussianProcessRegressor(gaussian_process.kernels.RBF(3.0), alpha=0.1),
    "gaussian-process-sum": gaussian_process.GaussianProcessRegressor(
        gaussian_process.kernels.ConstantKernel(2.0) * gaussian_process.kernels.RationalQuadratic() + gaussian_process.kernels.WhiteKernel(0.2), alpha=0.1),
    "pls": cross_decomposition.PLSRegression(2),
    "voting": ensemble.VotingRegressor([("a", linear_model.Ridge()), ("b", tree.DecisionTreeRegressor(**shallow))]),
    "stacking": ensemble.StackingRegressor(
        [("a", linear_model.Ridge()), ("b", tree.DecisionTreeRegressor(**shallow))], linear_model.Ridge()),
    "grid-search": model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [0.1, 1]}, cv=2),
}.items():
    scikit(f"{name}-regressor", model, "regress")
for name, model in {
    "poisson": linear_model.PoissonRegressor(), "gamma": linear_model.GammaRegressor(), "tweedie": linear_model.TweedieRegressor(power=1.5),
    "histogram-poisson": ensemble.HistGradientBoostingRegressor(max_iter=8, loss="poisson", random_state=0),
}.items():
    scikit(f"{name}-regressor", model, "positive_regress")
for name, model in {
    "forest": ensemble.RandomForestRegressor(max_depth=4, **small), "tree": tree.DecisionTreeRegressor(**shallow),
    "linear": linear_model.LinearRegression(), "knn": neighbors.KNeighborsRegressor(),
    "mlp": neural_network.MLPRegressor(hidden_layer_sizes=(8,), max_iter=50, random_state=0), "pls": cross_decomposition.PLSRegression(2),
    "multi-output": multioutput.MultiOutputRegressor(ensemble.GradientBoostingRegressor(max_depth=2, **small)),
    "multi-task-lasso": linear_model.MultiTaskLasso(0.1), "multi-task-lasso-cv": linear_model.MultiTaskLassoCV(cv=2),
    "multi-task-elastic": linear_model.MultiTaskElasticNet(0.1), "multi-task-elastic-cv": linear_model.MultiTaskElasticNetCV(cv=2),
    "gaussian-process": gaussian_process.GaussianProcessRegressor(gaussian_process.kernels.RBF(3.0), alpha=0.1),
}.items():
    scikit(f"{name}-two-targets", model, "regress2")
scikit("histogram-boosting-holes-regressor", ensemble.HistGradientBoostingRegressor(max_iter=8, random_state=0), "holes_regress")

# Outliers, clusters, densities.
for name, model in {
    "isolation-forest": ensemble.IsolationForest(**small), "isolation-forest-part": ensemble.IsolationForest(max_samples=0.5, **small),
    "isolation-forest-share": ensemble.IsolationForest(contamination=0.1, **small),
    "local-outlier": neighbors.LocalOutlierFactor(novelty=True), "one-class-svm": svm.OneClassSVM(),
    "one-class-svm-poly": svm.OneClassSVM(kernel="poly", degree=2), "sgd-one-class": linear_model.SGDOneClassSVM(random_state=0),
    "k-means": cluster.KMeans(4, n_init=1, random_state=0), "mini-k-means": cluster.MiniBatchKMeans(4, n_init=1, random_state=0),
    "mixture-full": mixture.GaussianMixture(3, reg_covar=0.01, random_state=0), "mixture-tied": mixture.GaussianMixture(3, covariance_type="tied", random_state=0),
    "mixture-diagonal": mixture.GaussianMixture(3, covariance_type="diag", random_state=0),
    "mixture-spherical": mixture.GaussianMixture(3, covariance_type="spherical", random_state=0),
    "mixture-bayes": mixture.BayesianGaussianMixture(n_components=3, random_state=0),
}.items():
    scikit(name, model, "alone")
scikit("nearest-neighbours", neighbors.NearestNeighbors(n_neighbors=3, radius=None), "alone")

# Preparation, with a linear model and with a forest behind it.
mixed = compose.ColumnTransformer([
    ("scale", preprocessing.StandardScaler(), [0, 1]), ("bins", preprocessing.KBinsDiscretizer(4, encode="onehot-dense"), [2, 3]),
    ("same", "passthrough", [4])])
steps = {
    "standard": ("three", preprocessing.StandardScaler()), "min-max": ("three", preprocessing.MinMaxScaler()),
    "min-max-clip": ("three", preprocessing.MinMaxScaler(clip=True)), "max-abs": ("three", preprocessing.MaxAbsScaler()),
    "robust": ("three", preprocessing.RobustScaler()), "normalizer-l1": ("three", preprocessing.Normalizer("l1")),
    "normalizer-l2": ("three", preprocessing.Normalizer("l2")), "normalizer-max": ("positive", preprocessing.Normalizer("max")),
    "binarizer": ("three", preprocessing.Binarizer(threshold=0.2)), "polynomial": ("three", preprocessing.PolynomialFeatures(2)),
    "polynomial-3": ("three", preprocessing.PolynomialFeatures(3, interaction_only=True)),
    "power": ("three", preprocessing.PowerTransformer()), "power-box-cox": ("positive", preprocessing.PowerTransformer("box-cox")),
    "quantile": ("three", preprocessing.QuantileTransformer(n_quantiles=50)),
    "bins-onehot": ("three", preprocessing.KBinsDiscretizer(4, encode="onehot-dense")),
    "bins-ordinal": ("three", preprocessing.KBinsDiscretizer(4, encode="ordinal")),
    "bins-uniform": ("three", preprocessing.KBinsDiscretizer(4, encode="onehot-dense", strategy="uniform")),
    "onehot": ("counts", preprocessing.OneHotEncoder(handle_unknown="ignore")),
    "onehot-drop": ("counts", preprocessing.OneHotEncoder(drop="first", handle_unknown="ignore")),
    "ordinal": ("counts", preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
    "target-encoder": ("counts_two", preprocessing.TargetEncoder(random_state=0)),
    "imputer-mean": ("holes", impute.SimpleImputer()), "imputer-median": ("holes", impute.SimpleImputer(strategy="median")),
    "imputer-knn": ("holes", impute.KNNImputer(n_neighbors=1)),
    "pca": ("three", decomposition.PCA(3)), "pca-whiten": ("three", decomposition.PCA(3, whiten=True)),
    "incremental-pca": ("three", decomposition.IncrementalPCA(3)), "svd": ("three", decomposition.TruncatedSVD(3)),
    "kernel-pca": ("three", decomposition.KernelPCA(3, kernel="rbf")), "kernel-pca-poly": ("three", decomposition.KernelPCA(3, kernel="poly")),
    "projection": ("three", random_projection.GaussianRandomProjection(3, random_state=0)),
    "components": ("three", neighbors.NeighborhoodComponentsAnalysis(3, random_state=0)),
    "select-best": ("three", feature_selection.SelectKBest(k=3)), "select-share": ("three", feature_selection.SelectPercentile(percentile=50)),
    "select-fdr": ("three", feature_selection.SelectFdr(alpha=0.5)), "select-fpr": ("three", feature_selection.SelectFpr(alpha=0.5)),
    "select-fwe": ("three", feature_selection.SelectFwe(alpha=0.5)),
    "select-generic": ("three", feature_selection.GenericUnivariateSelect(mode="k_best", param=3)),
    "select-model": ("three", feature_selection.SelectFromModel(tree.DecisionTreeClassifier(random_state=0))),
    "rfe": ("three", feature_selection.RFE(logistic, n_features_to_select=3)), "rfecv": ("three", feature_selection.RFECV(logistic, cv=2)),
    "variance": ("three", feature_selection.VarianceThreshold(0.5)), "trees-embedding": ("three", ensemble.RandomTreesEmbedding(4, max_depth=3, random_state=0, sparse_output=False)),
    "function": ("three", preprocessing.FunctionTransformer()), 
    "union": ("three", pipeline.FeatureUnion([("a", preprocessing.StandardScaler()), ("b", decomposition.PCA(2))])),
    "union-weighted": ("three", pipeline.FeatureUnion(
        [("a", preprocessing.StandardScaler()), ("b", preprocessing.MinMaxScaler())], transformer_weights={"a": 2.0, "b": 0.5})),
    "columns": ("three", mixed),
    "columns-rest": ("three", compose.ColumnTransformer([("scale", preprocessing.StandardScaler(), [3, 1])], remainder="passthrough")),
    "columns-counts": ("counts", compose.ColumnTransformer(
        [("hot", preprocessing.OneHotEncoder(handle_unknown="ignore"), [0, 2]), ("scale", preprocessing.StandardScaler(), [1, 4, 5])])),
    "neighbours": ("three", neighbors.KNeighborsTransformer(n_neighbors=3)),
}
for name, (data, step) in steps.items():
    opset = 18 if "knn" in name else 17
    scikit(f"prepare-{name}-logistic", pipeline.make_pipeline(step, logistic), data, opset, options={"zipmap": False})
    scikit(f"prepare-{name}-forest", pipeline.make_pipeline(step, ensemble.RandomForestClassifier(max_depth=4, **small)), data, opset, options={"zipmap": False})
scikit("prepare-imputer-scaler-svc", pipeline.make_pipeline(
    impute.SimpleImputer(), preprocessing.StandardScaler(), svm.SVC(probability=True, random_state=0)), "holes", options={"zipmap": False})
scikit("prepare-tfidf-nb", pipeline.make_pipeline(
    __import__("sklearn.feature_extraction.text", fromlist=["x"]).TfidfTransformer(), naive_bayes.MultinomialNB()), "counts", options={"zipmap": False})

# Sets of operators, old and new, and double precision.
for opset, ml in ((11, 1), (12, 2), (13, 2), (15, 3), (18, 3), (21, 3)):
    for name, model in {"forest": ensemble.RandomForestClassifier(max_depth=3, **small), "adaboost": ensemble.AdaBoostClassifier(**small),
                        "isolation": ensemble.IsolationForest(**small), "knn": neighbors.KNeighborsClassifier(),
                        "columns": pipeline.make_pipeline(mixed, ensemble.BaggingClassifier(**small)),
                        "svc": svm.SVC(probability=True, random_state=0)}.items():
        more = {} if name == "isolation" else {"options": {"zipmap": False}}
        scikit(f"opset-{opset}-{name}", model, "alone" if name == "isolation" else "three", opset, ml, **more)

# XGBoost and LightGBM.
grown = dict(n_estimators=8, max_depth=3)
for name, (data, model) in {
    "two": ("two", xgboost.XGBClassifier(**grown)), "three": ("three", xgboost.XGBClassifier(**grown)),
    "dart": ("two", xgboost.XGBClassifier(booster="dart", **grown)), "hinge": ("two", xgboost.XGBClassifier(objective="binary:hinge", **grown)),
    "base": ("two", xgboost.XGBClassifier(base_score=0.3, **grown)), "softmax": ("three", xgboost.XGBClassifier(objective="multi:softmax", **grown)),
    "holes": ("holes", xgboost.XGBClassifier(**grown)), "random-forest": ("two", xgboost.XGBRFClassifier(**grown)),
    "regressor": ("regress", xgboost.XGBRegressor(**grown)), "regressor-holes": ("holes_regress", xgboost.XGBRegressor(**grown)),
    "forest-regressor": ("regress", xgboost.XGBRFRegressor(**grown)),
    "poisson": ("positive_regress", xgboost.XGBRegressor(objective="count:poisson", **grown)),
    "gamma": ("positive_regress", xgboost.XGBRegressor(objective="reg:gamma", **grown)),
    "tweedie": ("positive_regress", xgboost.XGBRegressor(objective="reg:tweedie", **grown)),
    "absolute": ("regress", xgboost.XGBRegressor(objective="reg:absoluteerror", **grown)),
    "logistic-regressor": ("two", xgboost.XGBRegressor(objective="reg:logistic", **grown)),
    "linear": ("two", xgboost.XGBClassifier(booster="gblinear", n_estimators=8)),
}.items():
    boosted(f"xgboost-{name}", convert_xgboost, model, data)
quiet = dict(verbose=-1, **grown)
for name, (data, model) in {
    "two": ("two", lightgbm.LGBMClassifier(**quiet)), "three": ("three", lightgbm.LGBMClassifier(**quiet)),
    "named": ("named", lightgbm.LGBMClassifier(**quiet)), "dart": ("three", lightgbm.LGBMClassifier(boosting_type="dart", **quiet)),
    "forest": ("two", lightgbm.LGBMClassifier(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, **quiet)),
    "one-vs-all": ("three", lightgbm.LGBMClassifier(objective="multiclassova", **quiet)),
    "unbalanced": ("two", lightgbm.LGBMClassifier(is_unbalance=True, **quiet)), "holes": ("holes", lightgbm.LGBMClassifier(**quiet)),
    "zero-missing": ("counts", lightgbm.LGBMClassifier(zero_as_missing=True, **quiet)),
    "regressor": ("regress", lightgbm.LGBMRegressor(**quiet)), "absolute": ("regress", lightgbm.LGBMRegressor(objective="regression_l1", **quiet)),
    "poisson": ("positive_regress", lightgbm.LGBMRegressor(objective="poisson", **quiet)),
    "gamma": ("positive_regress", lightgbm.LGBMRegressor(objective="gamma", **quiet)),
    "tweedie": ("positive_regress", lightgbm.LGBMRegressor(objective="tweedie", **quiet)),
    "quantile": ("regress", lightgbm.LGBMRegressor(objective="quantile", **quiet)),
    "square-root": ("positive_regress", lightgbm.LGBMRegressor(reg_sqrt=True, **quiet)),
    "entropy": ("two", lightgbm.LGBMRegressor(objective="cross_entropy", **quiet)),
    "holes-regressor": ("holes_regress", lightgbm.LGBMRegressor(**quiet)),
}.items():
    boosted(f"lightgbm-{name}", convert_lightgbm, model, data)
boosted("lightgbm-categories", convert_lightgbm, lightgbm.LGBMClassifier(**quiet), "counts", categorical_feature=[0, 2])
boosted("lightgbm-ranker", convert_lightgbm, lightgbm.LGBMRanker(**quiet), "counts", group=[60] * 10)
for opset in (9, 11, 13):
    boosted(f"xgboost-opset-{opset}", convert_xgboost, xgboost.XGBClassifier(**grown), "three", opset)
    boosted(f"lightgbm-opset-{opset}", convert_lightgbm, lightgbm.LGBMClassifier(**quiet), "three", opset)
for kind, inside, shapes in (
    (xgboost.XGBClassifier, xgboost_inside, calculate_linear_classifier_output_shapes),
    (lightgbm.LGBMClassifier, lightgbm_inside, calculate_linear_classifier_output_shapes),
    (xgboost.XGBRegressor, xgboost_inside, calculate_linear_regressor_output_shapes),
    (lightgbm.LGBMRegressor, lightgbm_inside, calculate_linear_regressor_output_shapes),
):
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]} if "Classifier" in kind.__name__ else None
    update_registered_converter(kind, "House" + kind.__name__, shapes, inside, **({"options": options} if options else {}))
for name, model in {"xgboost": xgboost.XGBClassifier(**grown), "lightgbm": lightgbm.LGBMClassifier(**quiet)}.items():
    scikit(f"pipeline-{name}", pipeline.make_pipeline(preprocessing.StandardScaler(), model), opset=15, options={id(model): {"zipmap": False}})
    scikit(f"pipeline-{name}-imputer", pipeline.make_pipeline(impute.SimpleImputer(), model), "holes", opset=15, options={id(model): {"zipmap": False}})
    scikit(f"pipeline-{name}-columns", pipeline.make_pipeline(mixed, model), opset=15, options={id(model): {"zipmap": False}})
scikit("voting-boosted", ensemble.VotingClassifier(
    [("x", xgboost.XGBClassifier(**grown)), ("l", lightgbm.LGBMClassifier(**quiet))], voting="soft", flatten_transform=False), opset=15, options={"zipmap": False})
scikit("calibrated-xgboost", calibration.CalibratedClassifierCV(xgboost.XGBClassifier(**grown), cv=2), opset=15, options={"zipmap": False})
scikit("stacking-lightgbm", ensemble.StackingRegressor(
    [("l", lightgbm.LGBMRegressor(**quiet)), ("r", linear_model.Ridge())], linear_model.Ridge()), "regress", opset=15)


def numbers(output):
    """An output as rows of numbers; nothing where it holds none."""
    if isinstance(output, list):  # maps, one a row
        keys = sorted(output[0])
        output = np.array([[row[key] for key in keys] for row in output])
    output = np.asarray(output)
    if output.dtype.kind in "OU":
        output = np.searchsorted(NAMES, output.astype(str))
    return np.where(np.isfinite(output), output, 0).astype(float)


def main():
    folder, word = Path(sys.argv[1]), (sys.argv[2:] or [""])[0]
    refused = []
    for name, (make, x) in cases.items():
        if word not in name:
            continue
        try:
            model = make()
            session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
            rows = fresh(x)
            feed = session.get_inputs()[0]
            outputs = session.run(None, {feed.name: rows})
            read = {info.name: numbers(value) for info, value in zip(session.get_outputs(), outputs)}
            noise = {name: 0.0 for name in read}
            for _ in range(4):
                moved = np.nextafter(rows, rng.choice([-np.inf, np.inf], rows.shape).astype(np.float32))
                for info, value in zip(session.get_outputs(), session.run(None, {feed.name: moved})):
                    far = np.abs(numbers(value) - read[info.name])
                    # Where a score jumps, the row stood at an edge; that is no noise of sums.
                    noise[info.name] = max(noise[info.name], float(np.quantile(far, 0.95)) if far.size else 0.0)
        except Exception as error:  # whatever an exporter or its runtime says about its own model
            refused.append(f"{name}: {type(error).__name__} {str(error).strip().splitlines()[0][:160]}")
            continue
        case = folder / name
        case.mkdir(parents=True, exist_ok=True)
        (case / "model.onnx").write_bytes(model.SerializeToString())
        rows.tofile(case / "rows.f32")
        (case / "theirs.json").write_text(json.dumps(
            {k: {"shape": list(v.shape), "values": v.ravel().tolist(), "noise": noise[k]} for k, v in read.items()}))
    (folder / "not-exported.txt").write_text("".join(line + "\n" for line in refused))
    print(f"{len(cases)} models, {len(refused)} of them not exported")


main()
