#!/usr/bin/env python3
"""Write data/train.parquet, data/test.parquet and data/traffic-normal.parquet.

The source is the test part of the UCI optical digits as scikit-learn ships it (`load_digits`): 1797
images of 8x8 pixels, each a count from 0 to 16. The split is scikit-learn's stratified one with 500 rows
held out and seed 0:

* train    1297 rows: what the model learned from;
* test      200 rows: the first 200 held out; the release is judged by them;
* traffic   300 rows: the other 300 held out; they play normal traffic.

No row is in two of them. Columns: p00 to p63 (row-major pixel counts, uint8), label (uint8), image (the row
of `load_digits`, uint16). The same pyarrow writes the same bytes.

Needs scikit-learn and pyarrow (written with 1.9.1 and 26.0.1).
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

DATA = Path(__file__).resolve().parent.parent / "data"


def split(labels):
    """Row numbers of train, test and traffic."""
    train, held_out = train_test_split(
        np.arange(len(labels)), test_size=500, random_state=0, stratify=labels
    )
    return train, held_out[:200], held_out[200:]


def write(name, pixels, labels, images):
    """One Parquet file; `labels` may be None, as traffic has none when it arrives."""
    columns = {f"p{i:02d}": pa.array(pixels[:, i].astype(np.uint8)) for i in range(64)}
    if labels is not None:
        columns["label"] = pa.array(labels.astype(np.uint8))
    columns["image"] = pa.array(images.astype(np.uint16))
    DATA.mkdir(exist_ok=True)
    # Plain, dictionary-free pages: 66 dictionaries would be larger than the rows they index.
    pq.write_table(
        pa.table(columns),
        DATA / name,
        version="2.6",
        compression="zstd",
        use_dictionary=False,
        data_page_version="1.0",
        store_schema=False,
    )


def main():
    digits = load_digits()
    pixels, labels = digits.data.astype(np.uint8), digits.target
    assert (pixels == digits.data).all() and pixels.max() == 16
    for name, rows in zip(("train", "test", "traffic-normal"), split(labels)):
        write(f"{name}.parquet", pixels[rows], labels[rows], rows)
        print(f"{name}.parquet: {len(rows)} rows")


if __name__ == "__main__":
    main()
