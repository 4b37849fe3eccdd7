"""model.py FOLDER: trains a random forest on scikit-learn's digits and writes it with rows that it has not seen: as
fractions (test.npz), and as whole numbers to which something was added that goes with each row (whole.npz)."""

import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

folder = Path(sys.argv[1])
x, y = load_digits(return_X_y=True)
train, test, y_train, y_test = train_test_split((x / 16).astype(np.float32), y, test_size=60, random_state=0)
model = RandomForestClassifier(n_estimators=30, random_state=0).fit(train, y_train)
joblib.dump(model, folder / "model.joblib")
np.savez(folder / "test.npz", x=test, y=y_test.astype(np.int64))
offset = np.random.default_rng(0).integers(0, 40, (60, 1))
pixels = np.rint(test * 16).astype(np.int64) + offset
np.savez(folder / "whole.npz", pixels=pixels.astype(np.uint8), offset=offset, y=y_test.astype(np.int64))
