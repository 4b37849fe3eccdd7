"""generate.py: derives generated.csv from the sources of installed libraries. Run offline, read the difference, commit it.

    python crates/scan/data/generate.py                 # in an environment with the libraries of LIBRARIES
    python crates/scan/data/generate.py --from FOLDER   # the same; rows of a package that lie in FOLDER are taken from there
    python crates/scan/data/generate.py PACKAGE --why   # prints what is known of one package, and why it is not known of the rest
    python crates/scan/data/generate.py --merge FILE... # adds what `generate.py PACKAGE` printed elsewhere, with other versions of Python and of the library

What an old version keeps elsewhere, or makes in another way, is asked of that version: `PACKAGE` runs from Python 3.6 on. Where versions
disagree on a class, the strictest counts, as a file does not choose what it is loaded with. What any version refuses that was merged is
kept in refused.csv, so that a version that is read later does not bring it back. So is what a person struck: what keeps Python as text and
evaluates it as soon as somebody uses the model (rules of sklearn2pmml, programs of deap). After a review that allows such a class strike its line there.

A class is inert as an object (made by NEWOBJ, filled by BUILD) when everything Python would run for that comes from
object, from a built-in container, from a method reviewed below, or from a method whose source only compares, copies and
assigns. If the same holds for __init__, calling the class is inert too. An enumeration may be asked for members. Whatever
cannot be shown this way is left out, and is unknown to the scanner. Functions of numerical libraries may be held, never
called. Nothing of this is asked of the machine that scans.
"""

import enum
import importlib
import inspect
import io
import contextlib
import pkgutil
import subprocess
import sys
import types
import warnings
from pathlib import Path

import numpy

from purity import BUILT_IN, Purity, qualified

# Packages to walk, and what not to import of them besides COMMON.
COMMON = ("tests", "test", "testing", "conftest", "__main__", "cli", "examples", "benchmarks", "setup", "_pyinstaller", "plotting", "visualization", "gui", "app", "externals", "test_utils", "dask", "distutils", "f2py")
LIBRARIES = {
    "sklearn": ("externals", "_build_utils", "datasets", "_unittest_backport", "mocking"),
    "numpy": ("f2py", "distutils", "typing", "compat", "_import_tools", "ctypeslib"),
    "scipy": ("_lib", "datasets"),
    "torch.nn": ("_functions", "backends"),
    "torch.optim": ("_multi_tensor",),
    "torch.distributions": (),
    "torch.utils.data": ("datapipes", "backward_compatibility", "communication", "datasets", "dataloader_experimental"),
    "torch.nn.functional": (), "torch.amp": (), "torch.cuda.amp": (), "torch.storage": (), "torch.distributed.checkpoint.metadata": (), "torch.distributed._shard.metadata": (),
    "torch.distributed._shard.sharding_spec": (), "torch.ao.quantization": ("fx", "pt2e", "quantizer"), "torch.ao.nn": (), "torch.quantization": ("fx", "ns"),
    "torchvision": ("datasets", "io"), "torchmetrics": (), "lightning_fabric": ("cli",), "pytorch_lightning": ("cli", "demos", "_graveyard"),
    "timm": ("data",), "timm.data.transforms": (), "timm.data.auto_augment": (), "timm.data.random_erasing": (), "timm.data.mixup": (), "timm.data.constants": (), "sentence_transformers": (),
    "transformers.training_args": (), "transformers.training_args_seq2seq": (), "transformers.trainer_utils": (), "transformers.debug_utils": (), "transformers.trainer_pt_utils": (),
    "transformers.trainer_callback": (), "transformers.configuration_utils": (), "transformers.generation.configuration_utils": (), "transformers.tokenization_utils_base": (),
    "transformers.models": (), "transformers.activations": (), "transformers.pytorch_utils": (), "transformers.modeling_outputs": (), "transformers.modeling_utils": (), "transformers.modeling_layers": (),
    "transformers.cache_utils": (), "transformers.data.data_collator": (), "transformers.generation": ("streamers", "watermarking"), "transformers.modeling_rope_utils": (), "transformers.loss": (), "transformers.optimization": (), "transformers.processing_utils": (), "transformers.image_processing_utils": (), "transformers.image_processing_base": (),
    "transformers.image_utils": (), "einops": (),
    "transformers.feature_extraction_utils": (), "transformers.feature_extraction_sequence_utils": (), "transformers.tokenization_utils": (),
    "transformers.tokenization_utils_fast": (), "transformers.tokenization_python": (), "transformers.tokenization_utils_sentencepiece": (), "transformers.tokenization_utils_tokenizers": (),
    "tokenizers": (), 
    "accelerate": ("commands", "test_utils"),
    "xgboost": ("spark", "dask", "federated", "collective", "tracker"),
    "lightgbm": ("dask", "libpath"),
    "catboost": ("widget",),
    "imblearn": ("keras", "tensorflow"),
    "category_encoders": (), "feature_engine": (), "sklego": (), "skrub": (),
    "omegaconf": ("grammar", "grammar_parser", "grammar_visitor", "resolvers", "version", "vendor"),
    "statsmodels": ("datasets", "sandbox"), "statsmodels.sandbox.stats.multicomp": (), "patsy": (), "formulaic": (), "arch": (), "pmdarima": (), "prophet": (), "cmdstanpy": ("install_cmdstan", "install_cxx_toolchain", "utils"), "stanio": (), "holidays": (), "sktime": ("libs", "deep_learning", "networks"), "skbase": (), "tslearn": (),
    "statsforecast": (), "mlforecast": (), "utilsforecast": (), "coreforecast": (), "ruptures": (), "stumpy": (), "pykalman": (), "filterpy": (), "pyts": (),
    "lifelines": (), "sksurv": (), "autograd": (), "autograd_gamma": (),
    "polars": ("_cpu_check", "plugins"), "torch.distributed.checkpoint.filesystem": (),
    "hmmlearn": (), "ngboost": (), "pygam": (), "skopt": (), "hyperopt": ("ipy", "mongoexp", "spark"), "optuna": ("artifacts", "integration", "_callbacks"),
    "umap": (), "pynndescent": (), "kmodes": (), "mlxtend": (), "pyod": (), "skorch": (), "river": ("datasets",),
    "networkx": ("drawing", "readwrite"), "igraph": ("drawing",), "pgmpy": ("datasets", "example_models", "readwrite", "extern", "global_vars"), "econml": (), "causalml": (), "mapie": (), "copulas": (), "boruta": (), "imodels": (),
    "nltk": ("app", "draw", "downloader", "data", "twitter", "toolbox"), "gensim": (), "sklearn_crfsuite": (), "rank_bm25": (), "bertopic": (), "sacremoses": (), "datasketch": (),
    "textblob": (), "vaderSentiment": (), "spacy": ("cli",),
    "shap": (), "surprise": (), "implicit": (), "pytorch_tabnet": (),
    "xarray": (), "shapely.geometry": (), "shapely.lib": (), "geopandas": (), "pyproj": (), "pint": (), "uncertainties": (), "pendulum": ("mixins",), "arrow": (), "babel": ("messages",),
    "sympy": ("parsing", "codegen", "interactive", "utilities", "printing", "sympify"), "mpmath": (), "pandas": ("io", "plotting", "_testing", "util", "compat"),
    "matplotlib": ("backends", "sphinxext", "pyplot", "pylab", "mpl-data"), "mpl_toolkits.mplot3d": (), "mpl_toolkits.axes_grid1": (), "PIL": ("ImageShow", "ImageGrab", "ImageTk", "ImageQt"),
    "thinc": (), "confection": (), "preshed": (), "cymem": (), "blis": (), "slicer": (), "numba": ("cuda", "scripts", "cext", "pycc"),
    "attr": (), "attrs": (), "pydantic": ("_internal", "mypy", "v1", "types"), "annotated_types": (), "plotly": ("io", "figure_factory", "matplotlylib", "validators"), "cvxpy": (), "arviz": (),
    "gymnasium": ("envs",), "stable_baselines3": (), "gpytorch": (), "botorch": (), "linear_operator": (), "pyro": (), "torch_geometric": ("datasets", "graphgym", "profile"),
    "astropy": ("io", "samp", "vo", "config", "logger"), "ase": ("filecache", "calculators", "io", "gui", "db", "visualize"), "Bio": ("SeqIO", "AlignIO", "SearchIO", "Entrez", "ExPASy", "KEGG", "TogoWS"), "skimage": ("data", "io", "viewer"), "skfuzzy": (), "deap": (),
    "pymoo": ("visualization",), "nevergrad": ("benchmark",), "rdkit.Chem": (), "rdkit.DataStructs": (), "mne": ("datasets", "viz", "gui", "report"), "flax": (), "optax": (), "jax": ("experimental",), "jaxlib": (),
    "fairlearn": ("datasets",), "interpret": ("visual", "develop"), "eli5": (), "alibi": ("datasets",), "scikeras": (), "featuretools": (), "woodwork": (), "GPy": ("plotting",), "paramz": (),
    "flair": ("datasets",), "gluonts": ("dataset", "ext"), "neuralprophet": (), "tsfresh": ("examples",), "hdbscan": (), "aif360": ("datasets",), "dowhy": ("datasets",), "dirty_cat": (), "keras_preprocessing": (),
    "sentencepiece": (), "torchtext.vocab": (), "datasets": ("commands", "io", "packaged_modules", "parallel", "download", "filesystems", "builder", "load", "search"),
    "lightning": ("demos", "_graveyard", "data"), "ignite": ("contrib",), "peft": ("tuners",), "peft.tuners": (), "albumentations": (), "kornia": ("app", "io"), "captum": ("insights", "_utils"), "monai": ("bundle", "apps", "fl", "auto3dseg", "data", "config"),
    "fastcore": ("script", "shutil", "docments", "nbio", "net", "xdg"), "fastai": ("data.external",), "ultralytics": ("solutions", "hub", "data", "engine.exporter"), "segmentation_models_pytorch": ("datasets",), "efficientnet_pytorch": (), "open_clip": (), "open_clip_train": (), "diffusers": ("commands", "pipelines"),
    "pytorch_metric_learning": ("datasets",), "x_transformers": (), "vit_pytorch": (), "sb3_contrib": (), "torchaudio": ("datasets", "io"), "pytorch_forecasting": (), "torchio": ("datasets", "download"), "keras": ("datasets", "export", "saving", "distribute", "dtensor", "testing_infra", "data_adapter", "object_identity", "data_utils", "training_arrays_v1", "training_distributed_v1", "training_generator_v1", "training_utils_v1", "training_v1", "legacy_tf_layers", "partial_batch_padding_handler", "tf_op_layer", "feature_column", "autocast_variable", "gru_lstm_utils", "keras_tensor", "training_utils", "dataset_creator", "simple_models"),
    "gplearn": (), "sknetwork": ("data", "visualization"), "easydict": (), "addict": (), "munch": (), "box": (), "yacs": (), "ml_collections": (), "bidict": (), "frozendict": (), "sortedcontainers": (), "ordered_set": (),
    "string": (), "calendar": (), "textwrap": (), "difflib": (), "statistics": (), "configparser": (), "json.encoder": (), "json.decoder": (), "dataclasses": (),
    "tensordict": (), "torchrl.data": (), "fasttransform": (), "plum": (), "pymatgen": ("ext", "io", "cli", "command_line", "apps"), "monty": ("serialization", "io", "tempfile", "os", "shutil", "subprocess", "logging", "dev", "json"), "anndata": ("_io", "io", "experimental", "sparse_dataset", "file_backing", "views", "_settings"), "trimesh": ("exchange", "viewer", "interfaces", "resolvers"),
    "nibabel": ("cmdline", "nicom", "arrayproxy", "fileholders", "openers", "streamlines", "dataobj_images", "filename_parser", "volumeutils", "fileslice", "data", "dft", "tmpdirs", "filebasedimages"), "pydicom": ("data", "examples", "cli", "fileset", "filebase", "util", "fileutil", "filereader", "filewriter"), "nilearn": ("datasets", "reporting", "plotting"), "lmfit": ("ui",), "iminuit": (), "emcee": ("backends",), "quantities": (), "unyt": (), "sparse": (),
    "linearmodels": ("datasets",), "factor_analyzer": (), "pingouin": ("datasets",), "optbinning": (), "sklearn_pandas": (), "celer": ("datasets",), "skglm": (), "skfda": ("datasets",), "sklearn2pmml": (), "mord": (), "pykrige": (),
    "snowballstemmer": (), "yake": (), "spellchecker": (), "symspellpy": (), "ftfy": (), "keybert": (), "pulp": ("apis",), "qiskit": ("qasm2", "qasm3", "qpy", "visualization", "providers"), "simpy": (), "quantecon": (), "awkward": (), "hist": (), "boost_histogram": (),
    "cftime": (), "altair": (), "prince": (), "darts": ("datasets",), "tf_keras": ("datasets", "saving", "applications"), "keras.preprocessing": (), "yellowbrick": ("datasets",), "pymc": (), "torchtuples": (),
    "flaml": (), "evaluate": (), "photutils": ("datasets",), "specutils": ("io",), "sunpy": ("io", "data", "net"), "scanpy": ("datasets",), "librosa": (), "pywt": ("data",), "xyzservices": (),
    "whoosh.analysis": (), "whoosh.fields": (), "whoosh.formats": (), "whoosh.query": (), "whoosh.columns": (), "whoosh.scoring": (), "whoosh.lang": (), "anytree": ("exporter", "importer", "dotexport", "symlinknode", "symlinknodemixin"), "treelib": ("plugins",), "intervaltree": (),
    # The arrays of numpy_pickle_compat read other files: joblib's own unpickler asks them to.
    "joblib": ("externals", "numpy_pickle_compat"), "dateutil.tz": (), "dateutil.relativedelta": (), "dateutil._common": (), "dateutil.rrule": (), "cycler": (), "pytz": (),
}

# Packages of which everything is walked. Not dask and zarr: what they keep computes, reads files and unpickles as soon as something goes through it.
LIBRARIES.update(dict.fromkeys((
    "ConfigSpace", "PyNomaly", "SALib", "adtk", "aeon", "affine", "apricot", "autofeat", "backtesting", "bayes_opt", "bitarray", "bm25s", "bt",
    "cachetools", "causalinference", "causallearn", "cclib", "cdlib", "chaospy", "cma", "cobra", "combo", "corextopic", "cornac", "crepes", "dalex",
    "datamol", "derivative", "deslib", "dice_ml", "doubleml", "dscribe", "dynesty", "emukit", "esda", "fcmeans", "ffn", "flashtext", "formulae",
    "gekko", "george", "gstools", "gtda", "gudhi", "gym", "hierarchicalforecast", "imagehash", "immutables", "inspyred", "jenn", "jieba", "kmapper",
    "kneed", "langdetect", "langid", "lda", "libpysal", "lime", "lineartree", "markovify", "matminer", "mealpy", "meshio", "metric_learn", "mgwr",
    "mido", "minisom", "moocore", "movingpandas", "nokap", "numpoly", "numpyro", "openTSNE", "ot", "pacmap", "pastas", "periodictable", "persim",
    "platypus", "pomegranate", "portion", "powerlaw", "pretty_midi", "pybloom_live", "pydeseq2", "pyfixest", "pygad", "pygtrie", "pymorphy3",
    "pypfopt", "pyriemann", "pyrsistent", "pysad", "pysindy", "pysubgroup", "pyswarms", "pytransform3d", "quantile_forest", "rake_nltk", "rdt",
    "rectools", "ripser", "riskfolio", "sdmetrics", "sdv", "selfies", "skbio", "skforecast", "skgstat", "sklift", "skmultilearn", "sko", "skspatial",
    "smac", "smote_variants", "smt", "spreg", "spylls", "subword_nmt", "sumy", "suod", "ta", "tbats", "tensorly", "textdistance", "transforms3d",
    "tskit", "verde", "wittgenstein", "zeus",
    "pvlib", "pycrfsuite", "reservoirpy", "simdkalman",
), ()))

# Modules whose public functions models hold by name: read by a person.
HELD = (
    "sklearn.metrics", "sklearn.metrics.pairwise", "sklearn.feature_selection", "sklearn.gaussian_process.kernels",
    "sklearn.feature_extraction.text", "sklearn.preprocessing", "torch.nn.functional", "scipy.special",
)

# Packages whose functions models hold by name (scorers, kernels, activations, links), where nothing such a function calls
# leaves memory, as far as purity.py can follow it.
FUNCTIONS = (
    "sklearn", "numpy", "numpy.lib", "numpy._core", "numpy.linalg", "numpy.ma", "numpy.polynomial", "numpy.fft", "scipy.special", "scipy.stats", "scipy.spatial", "scipy.optimize", "scipy.linalg",
    "scipy.interpolate", "torch.nn", "torch.optim", "lifelines", "autograd", "umap", "pynndescent", "hdbscan", "tslearn", "patsy", "formulaic", "statsmodels.genmod",
    "statsmodels.robust", "statsmodels.nonparametric", "statsmodels.tools", "skorch", "lightgbm", "xgboost", "optuna.samplers", "optuna.pruners", "gensim.utils", "gensim.matutils", "gensim.models.tfidfmodel", "gensim.models.phrases", "thinc.initializers", "spacy.lang", "spacy.pipeline", "matplotlib.artist", "matplotlib.backend_bases", "matplotlib.colorbar",
    "nltk.tokenize", "nltk.util", "nltk.classify", "nltk.tag", "river.utils", "timm.layers", "torchmetrics.functional", "torchmetrics.utilities", "sksurv", "mlxtend", "kmodes",
    "shap.links", "ngboost", "hmmlearn", "pygam", "skopt.space", "skopt.acquisition", "imblearn", "econml", "pyod.utils", "feature_engine",
    "timm.data.auto_augment", "torchmetrics.metric", "torchvision.ops", "torchvision.transforms", "gpytorch", "segmentation_models_pytorch.losses", "segmentation_models_pytorch.base", "torch_geometric.nn",
    "lmfit.lineshapes", "river.feature_extraction", "fastai.metrics", "fastai.layers", "fastai.torch_core", "fastai.losses", "fastai.vision.learner", "fastai.vision.augment", "fastai.optimizer", "fastai.data.transforms", "fastcore.basics", "tensordict.nn",
    "transformers.activations", "transformers.modeling_rope_utils", "transformers.loss", "transformers.optimization", "transformers.pytorch_utils", "torch.distributions", "linearmodels", "lightning.pytorch.callbacks", "pymc", "skfda", "quantities", "astropy.cosmology", "gplearn", "deap.tools", "deap.gp", "deap.algorithms", "mapie",
)
# Packages of whose classes models hold static methods, which pickles name as functions; of lifelines, which dill writes, all.
METHODS = ("lifelines", "river", "torch.optim", "gpytorch", "lightning.pytorch.callbacks", "torchmetrics", "sklearn", "torchvision")
# What their names tell of functions that no model holds.
LEFT_OUT = ("test_", "check_", "plot", "load", "fetch", "read", "write", "save", "open", "download", "demo", "main", "import", "setup", "fromfile", "upload", "exec", "eval", "safe_eval",
            "seterr", "setbuf", "set_print", "set_string", "set_array_types", "add_types", "add_aliases", "add_integer_aliases", "add_array_type", "pkgload", "show_", "fromfunc", "fromregex", "frompyfunc", "apply_along", "apply_over", "info", "piecewise")

# Functions of numpy that ask their arguments first, whether these have a function of their own for it.
DISPATCHED = type(numpy.concatenate)

# Types written in C that a class may derive from, reviewed by hand (callables.csv has them too).
NATIVE = (numpy.ndarray,)

# Networks of transformers that people save whole; there are four hundred more.
WHOLE = ("albert", "bart", "beit", "bert", "blip", "bloom", "camembert", "clip", "convnext", "deberta", "deberta_v2", "deit", "detr", "dinov2", "distilbert", "electra", "encoder_decoder",
         "falcon", "gemma", "gemma2", "gpt2", "gpt_neo", "gpt_neox", "gptj", "hubert", "layoutlm", "layoutlmv3", "llama", "longformer", "marian", "mbart", "mistral", "mixtral", "mobilebert", "modernbert",
         "mpnet", "mt5", "opt", "pegasus", "phi", "phi3", "qwen2", "qwen3", "resnet", "roberta", "rt_detr", "sam", "segformer", "siglip", "swin", "swinv2", "t5", "timm_backbone", "timm_wrapper", "trocr", "videomae",
         "vision_encoder_decoder", "vit", "vit_mae", "wav2vec2", "wavlm", "whisper", "xlm_roberta", "xlnet", "yolos")

# Of packages with thousands of modules, the ones that hold what is pickled, by how their names begin.
ONLY = {
    "transformers.models": ("configuration_", "tokenization_", "feature_extraction_", "processing_", "image_processing_", "video_processing_"),
}

# Methods that do more than assign, and why they are harmless. (owner, method)
REVIEWED = {
    ("collections.abc.Mapping", "__eq__"): "compares the items",
    ("collections.abc.Set", "__eq__"): "compares the members",
    ("collections.abc.MutableMapping", "__eq__"): "compares the items",
    ("xarray.core._typed_ops.VariableOpsMixin", "__eq__"): "compares arrays; nothing of this kind is hashed",
    ("xarray.core._typed_ops.DataArrayOpsMixin", "__eq__"): "the same",
    ("xarray.core._typed_ops.DatasetOpsMixin", "__eq__"): "the same",
    ("xarray.core._typed_ops.DataTreeOpsMixin", "__eq__"): "the same",
    ("matplotlib.transforms.AffineBase", "__eq__"): "compares two matrices",
    ("matplotlib.colors.Colormap", "__eq__"): "compares two tables of colours",
    ("matplotlib.transforms.TransformNode", "__setstate__"): "updates __dict__ and refers weakly to its own parents",
    ("matplotlib.cbook.CallbackRegistry", "__setstate__"): "updates __dict__ and refers weakly to the functions it holds",
    ("matplotlib.cbook.Grouper", "__setstate__"): "refers weakly to the objects it holds",
    ("matplotlib.axes._base._process_plot_var_args", "set_prop_cycle"): "called with nothing, it takes the colours of the settings",
    ("pint.util.UnitsContainer", "__eq__"): "compares; a text is read by pint's own reader of units",
    ("arrow.arrow.Arrow", "__eq__"): "compares times",
    ("arrow.arrow.Arrow", "__getattr__"): "reads a property of the time",
    ("pandas.core.generic.NDFrame", "__setstate__"): "sets attributes past the setters",
    ("pandas.core.generic.NDFrame", "__setattr__"): "sets an attribute, or a column of that name",
    ("pandas.api.extensions.ExtensionDtype", "__eq__"): "compares, a text with the name of the type",
    ("pandas.api.extensions.ExtensionDtype", "__hash__"): "hashes the parameters of the type",
    ("pandas.core.dtypes.base.ExtensionDtype", "__eq__"): "compares, a text with the name of the type",
    ("pandas.core.dtypes.base.ExtensionDtype", "__hash__"): "hashes the parameters of the type",
    ("statsmodels.base.wrapper.ResultsWrapper", "__getattribute__"): "reads an attribute of the results and wraps it",
    ("networkx.classes.graph.Graph", "__new__"): "makes an empty object, unless a backend is configured where it is loaded",
    ("networkx.classes.digraph.DiGraph", "__new__"): "the same",
    ("networkx.classes.multigraph.MultiGraph", "__new__"): "the same",
    ("networkx.classes.multidigraph.MultiDiGraph", "__new__"): "the same",
    ("networkx.classes.graph.Graph", "name"): "sets an item of a dict and forgets cached views",
    **{(f"networkx.classes.coreviews.Filter{kind}", method): "asks a filter that it holds, which is known or told of, of a node"
       for kind in ("Atlas", "Adjacency", "MultiInner", "MultiAdjacency") for method in ("__len__", "__iter__", "__getitem__")},
    **{(f"networkx.classes.reportviews.{kind}EdgeView", method): "asks its own dictionary for its items"
       for kind in ("", "Out", "In", "Multi", "OutMulti", "InMulti") for method in ("__len__", "__iter__", "__contains__")},
    ("lifelines.fitters.coxph_fitter.CoxPHFitter", "__getattr__"): "reads an attribute of the fitted model",
    ("optuna.study.study.Study", "__setstate__"): "updates __dict__ and makes a lock",
    ("optuna.storages._in_memory.InMemoryStorage", "__setstate__"): "updates __dict__ and makes a lock",
    ("sklearn.base.BaseEstimator", "__setstate__"): "compares versions, warns, updates __dict__",
    ("sklearn.base.BaseEstimator", "__getattr__"): "raises",
    ("sklearn.utils._repr_html.base._HTMLDocumentationLinkMixin", "_doc_link_template"): "assigns",
    ("sklearn.utils._bunch.Bunch", "__setattr__"): "sets an item",
    ("sklearn.utils._bunch.Bunch", "__getattr__"): "reads an item",
    ("sklearn.utils._bunch.Bunch", "__setstate__"): "nothing",
    ("sklearn.gaussian_process.kernels.Kernel", "__eq__"): "compares parameters",
    ("sklearn.neural_network._stochastic_optimizers.BaseOptimizer", "__init__"): "assigns",
    ("torch.nn.modules.module.Module", "__setstate__"): "updates __dict__ and adds missing tables of hooks",
    ("torch.nn.modules.module.Module", "__setattr__"): "files a value under parameters, buffers or modules",
    ("torch.nn.modules.module.Module", "__getattr__"): "looks a value up there",
    ("torch.optim.optimizer.Optimizer", "__setstate__"): "updates __dict__, adds missing tables of hooks and defaults, and has the step of its class timed",
    ("torch.nn.modules.rnn.RNNBase", "__setstate__"): "lists the weights again",
    ("torch.nn.modules.rnn.RNNBase", "__setattr__"): "lists the weights again",
    ("torch.nn.modules.activation.MultiheadAttention", "__setstate__"): "adds a flag",
    ("torch.nn.modules.container.ParameterDict", "__setitem__"): "sets an attribute",
    ("torch.nn.modules.container.ModuleDict", "__setitem__"): "registers a module",
    ("torch.nn.modules.container.ModuleList", "__setitem__"): "registers a module",
    ("torch.nn.modules.container.ModuleList", "append"): "registers a module",
    ("torch.nn.modules.container.ModuleList", "extend"): "registers modules",
    ("torch.nn.modules.container.ParameterList", "append"): "sets an attribute",
    ("torch.nn.modules.container.ParameterList", "extend"): "sets attributes",
    ("torch.nn.modules.container.ParameterList", "__setitem__"): "sets an attribute",
    ("torch.nn.modules.container.Sequential", "__setitem__"): "registers a module",
    ("torch.nn.modules.container.Sequential", "append"): "registers a module",
    ("torch.nn.modules.container.Sequential", "extend"): "registers modules",
    ("xgboost.sklearn.XGBModel", "__setstate__"): "hands what versions before 1 kept to XGBoost's reader of models, and updates __dict__",
    ("xgboost.core.Booster", "__setstate__"): "hands the saved bytes to XGBoost's reader of models, which runs no code of theirs",
    ("xgboost.core.Booster", "__del__"): "frees the native model that __setstate__ made",
    ("lightgbm.basic.Booster", "__setstate__"): "hands the saved text to LightGBM's reader of models",
    ("lightgbm.basic.Booster", "__del__"): "frees the native model that __setstate__ made",
    ("omegaconf.basecontainer.BaseContainer", "__setstate__"): "puts annotations of types back and updates __dict__",
    ("omegaconf.basecontainer.BaseContainer", "__setitem__"): "sets a node",
    ("omegaconf.dictconfig.DictConfig", "__setitem__"): "sets a node",
    ("omegaconf.dictconfig.DictConfig", "__setattr__"): "sets a node",
    ("omegaconf.dictconfig.DictConfig", "__getattr__"): "reads a node",
    ("omegaconf.dictconfig.DictConfig", "__eq__"): "compares nodes",
    ("omegaconf.dictconfig.DictConfig", "__hash__"): "hashes the text",
    ("omegaconf.listconfig.ListConfig", "__setitem__"): "sets a node",
    ("omegaconf.listconfig.ListConfig", "append"): "adds a node",
    ("omegaconf.listconfig.ListConfig", "extend"): "adds nodes",
    ("omegaconf.listconfig.ListConfig", "__setattr__"): "sets a node",
    ("omegaconf.listconfig.ListConfig", "__getattr__"): "reads a node",
    ("omegaconf.listconfig.ListConfig", "__eq__"): "compares nodes",
    ("omegaconf.listconfig.ListConfig", "__hash__"): "hashes the text",
    ("omegaconf.base.Node", "__setstate__"): "updates __dict__",
    ("omegaconf.nodes.ValueNode", "__setstate__"): "updates __dict__",
    ("transformers.training_args.TrainingArguments", "__setattr__"): "assigns",
    ("transformers.generation.configuration_utils.GenerationConfig", "__hash__"): "hashes the text of copies of its values",
    ("transformers.generation.configuration_utils.GenerationConfig", "__eq__"): "compares such texts",
    ("scipy.interpolate._rbfinterp.RBFInterpolator", "__setstate__"): "assigns, and asks arrays for the module of their kind",
    ("Bio.Seq._SeqAbstractBaseClass", "__eq__"): "compares letters",
    ("Bio.Align.Alignment", "__eq__"): "compares sequences and coordinates",
    ("ase.atoms._LimitedAtoms", "__eq__"): "compares arrays",
    ("ase.cell.Cell", "__eq__"): "compares an array",
    ("geopandas.array.GeometryArray", "__setstate__"): "reads geometries of bytes, and updates __dict__",
    ("geopandas.geodataframe.GeoDataFrame", "__setstate__"): "makes a reference system of a text, and goes on as pandas",
    ("pandas.core.arraylike.OpsMixin", "__eq__"): "compares; nothing of this kind is hashed",
    ("pyproj.crs.crs.CRS", "__hash__"): "hashes the text of a reference system",
    ("pyproj.crs.crs.CRS", "__eq__"): "compares reference systems",
    ("flax.core.frozen_dict.FrozenDict", "__hash__"): "hashes the items",
    ("collections.UserList", "__eq__"): "compares the elements",
    ("textblob.mixins.ComparableMixin", "__eq__"): "compares texts",
    ("datasets.features.features.Features", "__init__"): "looks which features are decoded, in containers of features",
    ("datasets.features.features.Features", "__setitem__"): "the same",
    ("transformers.tokenization_utils_base.SpecialTokensMixin", "__getattr__"): "reads a special token, or its number where the name ends in _id",
    ("transformers.tokenization_utils_base.PreTrainedTokenizerBase", "__getattr__"): "reads a special token, or its number where the name ends in _id",
    ("addict.addict.Dict", "__getattr__"): "reads an item",
    ("easydict.EasyDict", "__setitem__"): "sets an item, and an attribute of the same name",
    ("easydict.EasyDict", "__setattr__"): "the same",
    ("pgmpy.factors.discrete.DiscreteFactor.DiscreteFactor", "__eq__"): "compares names, and arrays in one order",
    ("pgmpy.factors.discrete.DiscreteFactor.DiscreteFactor", "__hash__"): "hashes names, and the bytes of arrays in one order",
    ("pgmpy.base.DAG.DAG", "__hash__"): "hashes nodes, edges and their roles",
    **{(f"pgmpy.base.{kind}", "__eq__"): "compares nodes, edges and their roles"
       for kind in ("DAG.DAG", "PDAG.PDAG", "ADMG.ADMG", "AncestralBase.AncestralBase", "_base._CoreGraph")},
    ("pgmpy.independencies.Independencies.Independencies", "__eq__"): "compares assertions of another one",
    ("pgmpy.independencies.Independencies.IndependenceAssertion", "__eq__"): "compares three sets of names",
    ("pgmpy.factors.continuous.LinearGaussianCPD.LinearGaussianCPD", "__eq__"): "compares names and numbers",
    ("pgmpy.models.LinearGaussianBayesianNetwork.LinearGaussianBayesianNetwork", "__eq__"): "compares graphs, and what they hold for each node",
    ("bidict._frozen.frozenbidict", "__hash__"): "hashes the items",
    ("formulaic.parser.types.term.Term", "__eq__"): "compares names of factors",
    ("formulaic.utils.variables.Variable", "__new__"): "makes a text and keeps its roles, members of an enumeration",
    ("astropy.units.core.UnitBase", "__eq__"): "reads a unit out of a text by a grammar of its own, and compares",
    ("astropy.units.core.UnrecognizedUnit", "__eq__"): "the same",
    ("astropy.units.function.core.FunctionUnitBase", "__eq__"): "compares two units",
    ("formulaic.parser.types.factor.Factor", "eval_method"): "asks an enumeration for a member",
    ("formulaic.parser.types.factor.Factor", "kind"): "the same",
    ("formulaic.parser.types.operator.Operator", "associativity"): "the same",
    ("formulaic.parser.types.operator.Operator", "fixity"): "the same",
    ("sktime.base._base.BaseObject", "__eq__"): "compares parameters; nothing of this kind is hashed",
    ("skbase.base._base.BaseObject", "__eq__"): "the same",
    ("sktime.forecasting.base._fh.ForecastingHorizon", "__new__"): "gives its class the comparisons of what it keeps, and makes an empty object",
    ("geopandas.array.GeometryArray", "__eq__"): "compares geometries",
    ("pandas.core.generic.NDFrame", "__getattr__"): "looks a column up",
    ("torchmetrics.metric.Metric", "__eq__"): "makes a metric of two, which is computed when somebody asks for it",
    ("torchmetrics.metric.Metric", "__setstate__"): "updates __dict__, asks its own methods for their signatures, and wraps them",
    ("torchmetrics.metric.Metric", "__setattr__"): "assigns, save what is constant",
    ("torchmetrics.metric.Metric", "__hash__"): "hashes the class and what the metric counted",
    # Python asks a new object for `__setstate__`, and nothing else: a name that begins with an underscore is none of a variable.
    **{(f"cmdstanpy.stanfit.{kind}", "__getattr__"): "refuses names that begin with an underscore, and looks a variable up by others"
       for kind in ("gq.CmdStanGQ", "laplace.CmdStanLaplace", "mcmc.CmdStanMCMC", "mcmc.CmdStanGQ", "mle.CmdStanMLE", "pathfinder.CmdStanPathfinder", "vb.CmdStanVB")},
    **{(f"torch.{home}.quantized.modules.{kind}", "__setstate__"): "assigns, and packs weights by an operator of torch, which checks their shapes"
       for home in ("nn", "ao.nn") for kind in ("conv._ConvNd", "linear.LinearPackedParams")},
    ("torch.ao.nn.sparse.quantized.linear.LinearPackedParams", "__setstate__"): "the same",
    # Only because of `State`, which their __setattr__ brings: once the file has given it, `attribute_map` leads to what it says.
    ("transformers.configuration_utils.PreTrainedConfig", "__getattribute__"): "reads an attribute by its other name",
}

# Classes whose objects are harmless and that write to, delete or import what they are told when they are called, as a partial
# that something holds may be.
REACHING = {
    "PIL.PdfParser.PdfParser", "PIL.TarIO.TarIO", "ase._4.optimize._symopt.relax.Relax", "ase.mep.autoneb.AutoNEB", "ase.optimize.precon.precon.Logfile",
    "datasets.fingerprint._TempCacheDir", "gymnasium.wrappers.rendering.RecordVideo", "gymnasium.wrappers.vector.rendering.RecordVideo",
    "jax._src.lru_cache.LRUCache", "joblib.logger.PrintTime", "lightning_fabric.loggers.csv_logs._ExperimentWriter",
    "lightning_fabric.plugins.precision.utils._ClassReplacementContextManager", "numba.core.caching.CacheImpl", "pymatgen.vis.plotters.SpectrumPlotter",
}

# What Python runs while an object is made, filled with state, hashed, compared and dropped; and when it is filled as a container.
RUN = ("__new__", "__setstate__", "__setattr__", "__del__", "__hash__", "__eq__", "__getattr__", "__getattribute__")
FILL = ("append", "extend", "add", "__setitem__")
PURITY = Purity(REVIEWED, NATIVE)


def setters_harmless(cls):
    """A state of two parts sets attributes, unless the class takes its state itself."""
    if any("__setstate__" in vars(owner) for owner in cls.__mro__ if owner is not object):
        return True
    for place, owner in enumerate(cls.__mro__):
        if owner in BUILT_IN:
            continue
        for name, value in vars(owner).items():
            if isinstance(value, property) and value.fset is not None and (qualified(owner), name) not in REVIEWED and not PURITY.pure(value.fset, cls, place):
                return False
    return True


# Expressions of sympy: made of numbers and other expressions, of which these say at most what they equal. Not those that count
# or expand (factorials, polynomials, series): a small number makes a large one of them.
SYMBOLIC = ("sympy.functions.elementary", "sympy.functions.special.error_functions", "sympy.functions.special.delta_functions", "sympy.integrals.integrals",
            "sympy.core.containers", "sympy.core.mod", "sympy.core.relational", "sympy.core.numbers", "sympy.concrete.summations", "sympy.concrete.products",
            "sympy.series.limits", "sympy.sets.sets", "sympy.sets.fancysets", "sympy.logic.boolalg", "sympy.core.function.Derivative", "sympy.core.function.Subs",
            "sympy.core.function.Lambda", "sympy.matrices.immutable", "sympy.matrices.expressions.matexpr.MatrixSymbol", "sympy.tensor.indexed")


def symbolic(cls):
    if not cls.__module__.startswith("sympy.") or not any(qualified(owner) == "sympy.core.basic.Basic" for owner in cls.__mro__):
        return False
    return any((qualified(cls) + ".").startswith(home + ".") for home in SYMBOLIC) and all(PURITY.harmless(cls, name) for name in ("__del__", "__getattr__", "__getattribute__", "__setattr__"))


def effect(cls):
    """What the table says of a class, or nothing; PURITY.why tells why not."""
    if symbolic(cls):
        return "if,symbolic"
    if issubclass(cls, enum.Enum):
        missing = next((o for o in cls.__mro__ if "_missing_" in vars(o)), enum.Enum)
        if missing is enum.Enum:
            return "enum,"
        source = inspect.getsource(missing._missing_)
        return "enum," if "raise" in source or PURITY.pure(vars(missing)["_missing_"].__func__) else None
    if qualified(cls) in REACHING:
        PURITY.why = "reaches files or modules when it is called"
        return None
    if any(name in vars(meta) for meta in type(cls).__mro__ if meta is not type and meta is not object for name in ("__getattribute__", "__getattr__", "__setattr__")):
        PURITY.why = f"metaclass {qualified(type(cls))}"
        return None
    if any(base not in BUILT_IN and base not in NATIVE and not base.__flags__ & (1 << 9) for base in cls.__mro__):
        PURITY.why = "native"
        return None  # a type written in C: by hand
    if not all(PURITY.harmless(cls, method) for method in RUN if method != "__setattr__"):
        return None
    running = PURITY.runs(cls)
    if running:
        PURITY.why = f"{running} runs something"
        return None
    if not PURITY.harmless(cls, "__setattr__"):
        # Without a __setstate__ of its own, a state of one part goes past it into __dict__.
        takes = any("__setstate__" in vars(owner) for owner in cls.__mro__ if owner is not object)
        return None if takes else "if,state"
    if not all(PURITY.harmless(cls, method) for method in FILL) or not setters_harmless(cls):
        return "if,state"
    return "inert," if PURITY.making(cls) else "if,object"


def is_test(part):
    return part.startswith("test_") or part.endswith(("_test", "_test_base", "_test_util", "_test_utils"))


def walk(package, leave_out):
    root = importlib.import_module(package)
    yield root
    for info in pkgutil.walk_packages(getattr(root, "__path__", []), package + ".", onerror=lambda _: None):
        parts = info.name.split(".")
        wanted = info.ispkg or parts[-1].startswith(ONLY.get(package, "")) or parts[-1].partition("modeling_")[2] in WHOLE
        if any(part in leave_out or is_test(part) or not part.isidentifier() for part in parts) or not wanted:
            continue
        try:
            yield importlib.import_module(info.name)
        except BaseException:  # an optional dependency that is not there
            continue


def classes(owner, module, path=""):
    """Classes that `module` defines, and those defined in them, with their qualified names."""
    for name, value in list(vars(owner).items()):
        if isinstance(value, type) and value.__module__ == module and value.__qualname__ == path + name and "," not in name:
            yield value.__qualname__, value
            yield from classes(value, module, path + name + ".")


# What the output of one package says of a class that cannot be shown harmless: not in the table, unless by hand.
REFUSED = "no,"
STRICTER = ("inert,", "if,object", "if,state")


def strictest(one, other):
    """What holds of a callable of which two versions say `one` and `other`."""
    if one == other or REFUSED in (one, other):
        return one if one == other else REFUSED
    # What each of the two allows differs in kind: a class that was a function before, or state that is compared.
    if {one, other} & {"enum,", "data,", "if,distribution", "if,symbolic"}:
        return "if,distribution" if {one, other} <= {"if,object", "inert,", "if,distribution"} else REFUSED
    return max(one, other, key=STRICTER.index)


def rows_of(package, why):
    """What is known of the classes and functions of a package."""
    top = package.split(".")[0]
    rows = {}
    leave_out = set(COMMON + LIBRARIES[package]) - {top}
    list(walk(package, leave_out))
    mine = [name for name in sys.modules if (name + ".").startswith(package + ".") and not leave_out.intersection(name.split(".")) and not any(map(is_test, name.split(".")))]
    # Not what a library has under a name of its own as well: another's modules are for that one's rows.
    for module in [m for m in map(sys.modules.get, mine) if isinstance(m, types.ModuleType) and m.__name__.split(".")[0] == top]:
        for name, value in classes(module, module.__name__):
            with contextlib.suppress(Exception):
                PURITY.why = ""
                found = effect(value)
                rows[module.__name__, name] = found or REFUSED
                if not found and why:
                    print(f"{module.__name__},{name}: {PURITY.why}", file=sys.stderr)
        if any((module.__name__ + ".").startswith(home + ".") for home in FUNCTIONS):
            for name, value in list(vars(module).items()):
                own = isinstance(value, (types.FunctionType, DISPATCHED)) and value.__module__ == module.__name__ and value.__qualname__ == name
                if own and not name.lstrip("_").startswith(LEFT_OUT) and not name.startswith("__") and PURITY.holdable(value):
                    rows[module.__name__, name] = "data,"
        if any((module.__name__ + ".").startswith(home + ".") for home in METHODS):
            rows.update(methods_of(module))
    for home in HELD:
        if home == package or home.startswith(package + "."):
            module = importlib.import_module(home)
            for attribute in getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]:
                value = getattr(module, attribute, None)
                if isinstance(value, types.FunctionType) and value.__module__.startswith(top + "."):
                    rows.setdefault((value.__module__, value.__name__), "data,")
    return rows


def methods_of(module):
    """Static methods that are written in the classes of a module."""
    rows = {}
    for path, cls in classes(module, module.__name__):
        for name, value in vars(cls).items():
            static = isinstance(value, (staticmethod, classmethod)) or module.__name__.startswith("lifelines.")
            value = getattr(value, "__func__", value)
            own = static and isinstance(value, types.FunctionType) and value.__module__ == module.__name__ and value.__qualname__ == f"{path}.{name}"
            if own and not name.startswith("__") and not name.lstrip("_").startswith(LEFT_OUT) and PURITY.holdable(value):
                rows[module.__name__, value.__qualname__] = "data,"
    return rows


def activations():
    """Functions of tensors that torch writes in C++: activations, losses, pooling. Of all of them, those that are methods of a
    tensor as well, which keep to its elements."""
    rows = {}
    torch = importlib.import_module("torch")
    for attribute, value in vars(torch._C._nn).items():
        if isinstance(value, types.BuiltinFunctionType) and not attribute.startswith(("_", "mkldnn")):
            rows["torch._C._nn", attribute] = "data,"
    for attribute in vars(torch._C._VariableFunctionsClass):
        if not attribute.startswith("_") and hasattr(torch.Tensor, attribute) and not attribute.startswith(LEFT_OUT):
            rows["torch._C", "_VariableFunctionsClass." + attribute] = "data,"
    return rows


def functions_in_c():
    rows = {}
    # Before version 2 numpy's own say that they are of the module that they are written in.
    for name in ("numpy", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath", "scipy.special", "scipy.special._ufuncs", "scipy.special._special_ufuncs"):
        with contextlib.suppress(ImportError):
            for attribute, value in vars(importlib.import_module(name)).items():
                if isinstance(value, numpy.ufunc):
                    rows[name, attribute] = "data,"
    # scipy's distributions run source text of their state; the contract compares it.
    infrastructure = importlib.import_module("scipy.stats._distn_infrastructure")
    for home in ("scipy.stats._continuous_distns", "scipy.stats._discrete_distns"):
        for attribute, value in vars(importlib.import_module(home)).items():
            own = isinstance(value, type) and issubclass(value, infrastructure.rv_generic) and value.__module__ == home
            if own and not any("__setstate__" in vars(o) or "_attach_methods" in vars(o) for o in value.__mro__ if o.__module__ == home):
                rows[home, attribute] = "if,distribution"
    return rows


def version_of(top):
    named = {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn", "umap": "umap-learn", "skopt": "scikit-optimize", "sksurv": "scikit-survival", "PIL": "pillow", "skimage": "scikit-image", "Bio": "biopython"}
    with contextlib.suppress(ImportError):  # before Python 3.8
        from importlib import metadata

        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(named.get(top, top))
    return getattr(sys.modules[top], "__version__", "of no stated version")


def one(package, why):
    """Prints the rows of one package: each in a process of its own, as importing one library may disturb another."""
    top = package.split(".")[0]
    out = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()):
        rows = rows_of(package, why)
        if package == "scipy":
            rows.update(functions_in_c())
        if package == "torch.nn.functional":
            rows.update(activations())
    print(f"# {top} {version_of(top).partition('+')[0]}", file=out)
    for (module, name), what in sorted(rows.items()):
        print(f"{module},{name},{what}", file=out)


def read(text, rows, versions):
    """Adds what one output says to what is known."""
    for line in text.splitlines():
        if line.startswith("# "):
            versions.add(line[2:])
        else:
            module, name, what = line.split(",", 2)
            rows[module, name] = strictest(rows.get((module, name), what), what)


def beside(name):
    return Path(__file__).with_name(name)


def names_in(table):
    """The modules and names that a table has rows of."""
    return {tuple(line.split(",")[:2]) for line in beside(table).read_text().splitlines() if line and not line.startswith("#")}


def write(rows, versions):
    by_hand, refused = names_in("callables.csv"), names_in("refused.csv")
    refused |= {key for key, what in rows.items() if what == REFUSED}
    refused -= by_hand
    rows = {key: what for key, what in rows.items() if key not in by_hand and key not in refused}
    out = io.StringIO()
    out.write("# Made by generate.py from " + ", ".join(sorted(versions)) + ".\n# module,name,effect,contract\n")
    for (module, name), what in sorted(rows.items()):
        out.write(f"{module},{name},{what}\n")
    beside("generated.csv").write_text(out.getvalue())
    lines = "".join(f"{module},{name}\n" for module, name in sorted(refused))
    beside("refused.csv").write_text("# What some version of a library cannot be shown to keep harmless, or what a person struck: no other version may bring it back. Kept by generate.py.\n# module,name\n" + lines)
    print(f"{len(rows)} rows, {len(refused)} names refused", file=sys.stderr)


def merge(files):
    rows, versions = {}, set()
    head, _, *lines = beside("generated.csv").read_text().splitlines()
    versions.update(head.rstrip(".").partition(" from ")[2].split(", "))
    for line in lines:
        module, name, what = line.split(",", 2)
        rows[module, name] = what
    for file in files:
        read(Path(file).read_text(), rows, versions)
    write(rows, versions)


def main():
    warnings.filterwarnings("ignore")
    if sys.argv[1:2] == ["--merge"]:
        return merge(sys.argv[2:])
    if sys.argv[1:] and sys.argv[1] != "--from":
        return one(sys.argv[1], "--why" in sys.argv)
    rows, versions = {}, set()
    for package in LIBRARIES:
        kept = Path(sys.argv[2], package) if sys.argv[1:2] == ["--from"] else None
        if kept is not None and kept.exists():
            said = kept.read_text()
        else:
            try:
                said = subprocess.run([sys.executable, __file__, package], capture_output=True, text=True, timeout=900, check=True).stdout
            except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as failed:
                print(f"SKIP {package}: {failed}", file=sys.stderr)
                continue
            if kept is not None:
                kept.write_text(said)
        read(said, rows, versions)
    write(rows, versions)


if __name__ == "__main__":
    main()
