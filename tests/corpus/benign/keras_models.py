"""Keras by itself, as .keras and HDF5; and plain HDF5."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py
import keras
import numpy as np


def make(corpus):
    keras.utils.set_random_seed(corpus.seed)
    dense = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, activation="relu"), keras.layers.Dropout(0.1), keras.layers.Dense(2, activation="softmax")])
    image = keras.Input((8, 8, 1))
    hidden = keras.layers.Flatten()(keras.layers.MaxPooling2D()(keras.layers.Conv2D(3, 3)(image)))
    functional = keras.Model(image, keras.layers.Dense(2)(hidden))
    text = keras.Sequential([keras.Input((5,), dtype="int32"), keras.layers.Embedding(20, 4), keras.layers.LSTM(3), keras.layers.Dense(1, kernel_regularizer="l2")])
    for name, model in {"dense": dense, "functional": functional, "text": text}.items():
        model.compile(optimizer="adam", loss="mse")
        model.save(corpus.path("keras", f"{name}.keras", "clean", "Model.save"))
        model.save(corpus.path("hdf5", f"{name}.h5", "clean", "Model.save as HDF5"))
        model.save_weights(corpus.path("hdf5", f"{name}.weights.h5", "clean", "Model.save_weights"))
    rng = np.random.default_rng(corpus.seed)
    with h5py.File(corpus.path("hdf5", "plain.h5", "clean", "h5py"), "w") as file:
        file.create_dataset("a/b", data=rng.normal(size=(20, 5)), compression="gzip")
        file["c"] = np.arange(5)
        file["soft"] = h5py.SoftLink("/c")
        file.attrs["note"] = "eval("
