#!/usr/bin/env python3
"""Write data/traffic-drifted.parquet: the normal traffic as a failing scanner would deliver it.

Four effects, in the order in which a scanner has them: the lens is out of focus (3x3 blur), the lamp is
weak (contrast 0.55), stray light lifts the black level (+2 counts of 16), and the sensor adds noise (normal,
1.2 counts). Results are rounded and kept within 0 to 16. The seed is fixed.

Needs what export_data.py needs.
"""

import numpy as np
from sklearn.datasets import load_digits

from export_data import split, write

SEED = 20261123


def blur(images):
    """Mean over each pixel's 3x3 neighbourhood; the border repeats."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    return sum(padded[:, i : i + 8, j : j + 8] for i in range(3) for j in range(3)) / 9


def main():
    digits = load_digits()
    _, _, rows = split(digits.target)
    rng = np.random.default_rng(SEED)
    images = blur(digits.images[rows]) * 0.55 + 2.0
    images += rng.normal(0.0, 1.2, images.shape)
    pixels = np.clip(np.rint(images), 0, 16).reshape(len(rows), 64)
    write("traffic-drifted.parquet", pixels, digits.target[rows], rows)
    print(f"traffic-drifted.parquet: {len(rows)} rows")


if __name__ == "__main__":
    main()
