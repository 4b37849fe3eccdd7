"""What people keep beside models and pickle with them: times, units, expressions, shapes, labelled arrays, tokenizers."""

import pickle


def times():
    import arrow
    import pandas as pd
    import pendulum

    moment = pendulum.datetime(2024, 2, 29, tz="UTC")
    return {
        "pendulum-date": pendulum.date(2024, 2, 29), "pendulum-duration": pendulum.duration(days=3), "arrow": arrow.Arrow(2024, 2, 29),
        "pendulum-fixed": pendulum.datetime(2024, 2, 29, tz=pendulum.fixed_timezone(3600)), "pendulum-moment": moment,
        "offsets": [pd.offsets.BMonthEnd(), pd.offsets.FY5253Quarter(weekday=4, startingMonth=12), pd.offsets.DateOffset(months=2)],
    }


def expressions():
    import mpmath
    import sympy

    x, y = sympy.symbols("x y", real=True)
    return {
        "sine": sympy.sin(x) * sympy.cos(y), "integral": sympy.Integral(x**2, (x, 0, 1)), "piecewise": sympy.Piecewise((x, x > 0), (0, True)),
        "sets": sympy.Union(sympy.Interval(0, 1), sympy.Interval(2, 3)), "exponential": sympy.exp(-x) + sympy.log(y), "mpf": mpmath.mpf("1.5"), "mpc": mpmath.mpc(1, 2),
    }


def quantities():
    import pint
    import uncertainties

    units = pint.UnitRegistry()
    pint.set_application_registry(units)
    return {"quantity": units.Quantity(3.0, "meter / second"), "unit": units.Unit("kilogram"), "uncertain": uncertainties.ufloat(1, 0.1), "product": uncertainties.ufloat(1, 0.1) * uncertainties.ufloat(2, 0.2)}


def shapes():
    import shapely

    return {"point": shapely.Point(1, 2), "polygon": shapely.box(0, 0, 1, 1), "line": shapely.LineString([(0, 0), (1, 1)]), "ring": shapely.LinearRing([(0, 0), (1, 1), (1, 0)])}


def labelled():
    import numpy as np
    import xarray

    array = xarray.DataArray(np.eye(2), dims=("x", "y"), coords={"x": [1, 2]})
    return {"array": array, "dataset": xarray.Dataset({"a": array}), "variable": array.variable}


def rotations():
    from scipy.spatial.transform import Rotation

    return {"rotation": Rotation.from_euler("z", 90, degrees=True)}


def language():
    import tokenizers
    import transformers

    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return {"tokenizer": words, "bert-configuration": transformers.BertConfig(), "gpt2-configuration": transformers.GPT2Config()}


def make(corpus):
    for library in (times, expressions, quantities, shapes, labelled, rotations, language):
        try:
            objects = library()
        except ImportError as missing:
            print(f"SKIP benign.objects.{library.__name__}: {missing}")
            continue
        for name, value in objects.items():
            corpus.benign(library.__name__, f"{name}.pkl", pickle.dumps(value, 4), "pickle.dumps of an object that is kept beside a model")
