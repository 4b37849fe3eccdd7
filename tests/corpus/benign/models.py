"""scikit-learn by pickle, joblib and skops."""

import pickle


def fitted(seed):
    """Fitted estimators of most families."""
    import numpy as np
    from sklearn import (
        calibration, cluster, compose, covariance, cross_decomposition, decomposition, discriminant_analysis, dummy, ensemble, feature_extraction,
        feature_selection, gaussian_process, impute, isotonic, kernel_approximation, kernel_ridge, linear_model, manifold, mixture, model_selection,
        multiclass, multioutput, naive_bayes, neighbors, neural_network, pipeline, preprocessing, random_projection, svm, tree,
    )

    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(80, 4)), rng.integers(0, 3, 80)
    supervised = [
        linear_model.LogisticRegression(), linear_model.SGDClassifier(random_state=seed), linear_model.Ridge(), linear_model.LassoCV(cv=3), linear_model.BayesianRidge(),
        linear_model.RidgeClassifierCV(), linear_model.HuberRegressor(), linear_model.Perceptron(),
        tree.DecisionTreeClassifier(max_depth=3), ensemble.RandomForestClassifier(4, random_state=seed), ensemble.ExtraTreesRegressor(3), ensemble.BaggingClassifier(n_estimators=3),
        ensemble.GradientBoostingClassifier(n_estimators=3), ensemble.HistGradientBoostingClassifier(max_iter=3), ensemble.HistGradientBoostingRegressor(max_iter=3),
        ensemble.AdaBoostClassifier(n_estimators=3), ensemble.VotingClassifier([("a", naive_bayes.GaussianNB()), ("b", tree.DecisionTreeClassifier())]),
        ensemble.StackingClassifier([("a", naive_bayes.GaussianNB()), ("b", tree.DecisionTreeClassifier())], cv=3),
        svm.SVC(), svm.LinearSVC(), svm.SVR(), naive_bayes.GaussianNB(), neighbors.KNeighborsClassifier(), neighbors.KNeighborsClassifier(algorithm="ball_tree"),
        neighbors.KNeighborsRegressor(algorithm="kd_tree"), neural_network.MLPClassifier(hidden_layer_sizes=(5,), max_iter=3, random_state=seed), neural_network.MLPRegressor(hidden_layer_sizes=(5,), max_iter=3),
        calibration.CalibratedClassifierCV(naive_bayes.GaussianNB()), model_selection.GridSearchCV(tree.DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=3),
        model_selection.RandomizedSearchCV(linear_model.LogisticRegression(), {"C": [0.1, 1.0]}, n_iter=2, cv=3),
        multiclass.OneVsRestClassifier(svm.LinearSVC()), multioutput.MultiOutputRegressor(linear_model.Ridge()), discriminant_analysis.LinearDiscriminantAnalysis(),
        discriminant_analysis.QuadraticDiscriminantAnalysis(), gaussian_process.GaussianProcessRegressor(), gaussian_process.GaussianProcessClassifier(), kernel_ridge.KernelRidge(), dummy.DummyClassifier(),
        cross_decomposition.PLSRegression(2),
        pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler(), feature_selection.SelectKBest(k=2), decomposition.PCA(2), linear_model.LogisticRegression()),
        pipeline.make_pipeline(preprocessing.PolynomialFeatures(2), feature_selection.VarianceThreshold(), preprocessing.RobustScaler(), linear_model.ElasticNet()),
        pipeline.make_pipeline(pipeline.make_union(decomposition.PCA(1), preprocessing.PowerTransformer()), ensemble.RandomForestRegressor(3)),
        compose.TransformedTargetRegressor(linear_model.LinearRegression(), transformer=preprocessing.StandardScaler()),
    ]
    two_dimensional = (multioutput.MultiOutputRegressor,)
    models = [model.fit(x, np.c_[y, y] if isinstance(model, two_dimensional) else y) for model in supervised]
    models += [model.fit(x) for model in (
        cluster.KMeans(2, n_init=1), cluster.MiniBatchKMeans(2, n_init=1), cluster.DBSCAN(), cluster.AgglomerativeClustering(), cluster.Birch(), ensemble.IsolationForest(n_estimators=3),
        neighbors.NearestNeighbors(), neighbors.LocalOutlierFactor(novelty=True), neighbors.KernelDensity(), preprocessing.QuantileTransformer(n_quantiles=9), preprocessing.KBinsDiscretizer(),
        preprocessing.SplineTransformer(), preprocessing.Normalizer(), mixture.GaussianMixture(2), covariance.EmpiricalCovariance(), decomposition.TruncatedSVD(2), decomposition.FastICA(2),
        decomposition.FactorAnalysis(2), manifold.Isomap(n_components=2), kernel_approximation.RBFSampler(), random_projection.GaussianRandomProjection(2),
        impute.KNNImputer(), svm.OneClassSVM(),
    )]
    models += [
        isotonic.IsotonicRegression().fit(x[:, 0], y), preprocessing.LabelEncoder().fit(["a", "b"]), preprocessing.LabelBinarizer().fit(["a", "b", "c"]),
        preprocessing.OneHotEncoder(handle_unknown="ignore").fit([["a"], ["b"]]), preprocessing.OrdinalEncoder().fit([["a"], ["b"]]), preprocessing.TargetEncoder(cv=3).fit([["a"], ["b"], ["a"]] * 20, [0.0, 1.0, 0.5] * 20),
        feature_extraction.text.TfidfVectorizer().fit(["one two", "two three"]), feature_extraction.text.CountVectorizer(stop_words="english").fit(["one two", "two thing"]),
        feature_extraction.DictVectorizer().fit([{"a": 1}]), decomposition.LatentDirichletAllocation(2).fit(abs(x).round()),
        compose.ColumnTransformer([("n", preprocessing.MinMaxScaler(), [0, 1])], remainder="passthrough").fit(x),
        pipeline.make_pipeline(feature_extraction.text.TfidfVectorizer(), linear_model.LogisticRegression()).fit(["good one", "bad one", "good two", "bad two"], [1, 0, 1, 0]),
        preprocessing.FunctionTransformer(np.log1p).fit(abs(x)),
    ]
    for index, model in enumerate(models):
        yield f"{index:02d}-{type(model).__name__}", model


def make(corpus):
    import joblib
    import numpy as np

    compressions = [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3), ("lz4", 3)]
    for index, (name, model) in enumerate(fitted(corpus.seed)):
        protocol = (0, 2, 4, 5, 3)[(index + corpus.seed) % 5]
        corpus.benign("scikit-learn", f"{name}-{protocol}.pkl", pickle.dumps(model, protocol), "pickle.dumps of a fitted model")
        joblib.dump(model, corpus.path("joblib", f"{name}.joblib", "clean", "joblib.dump of a fitted model"))
        if index % 9 == 0:
            compress = compressions[1 + (index // 9) % 6]
            joblib.dump(model, corpus.path("joblib", f"{name}-compressed.joblib", "clean", f"joblib.dump, compress={compress}"), compress=compress)
    rng = np.random.default_rng(corpus.seed)
    joblib.dump({"a": rng.normal(size=5000), "b": [np.zeros(3)], "c": np.array(["x", None], dtype=object)}, corpus.path("joblib", "arrays.joblib", "clean", "joblib.dump of arrays"))
    joblib.dump({"a": np.asfortranarray(rng.normal(size=(50, 60))), "n": 3}, corpus.path("joblib", "fortran-2.joblib", "clean", "joblib.dump, protocol 2"), protocol=2)
    try:
        import skops.io
    except ImportError:
        return
    for index, (name, model) in enumerate(fitted(corpus.seed)):
        if index % 6 == 0:
            skops.io.dump(model, corpus.path("skops", f"{name}.skops", "clean", "skops.io.dump of a fitted model"))
