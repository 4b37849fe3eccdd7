"""make.py OUT [--seed N] [--only GROUP…]: writes the corpus that the scanner is held against, and its manifest.

Hostile files carry payloads that do nothing (`true`, a name that is only looked up) and nothing here loads one. Benign
files are written by the libraries people use, from PyPI (requirements.txt). A group whose library is missing is named and
left out. The seed moves what an author is free to choose: offsets, names, paddings, protocols, models, shapes.
"""

import argparse
import collections
import importlib
import shutil
import sys
import traceback
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from corpus import Corpus

GROUPS = [
    "hostile.pickles", "hostile.torch", "hostile.zips", "hostile.arrays", "hostile.tensors", "hostile.graphs",
    "hostile.archives", "hostile.repositories", "hostile.documents", "hostile.weights", "hostile.wider_texts", "hostile.wider_graphs", "hostile.wider_python", "hostile.wider_pickles", "hostile.wider_places", "hostile.structures", "hostile.wider_formats", "hostile.scripts", "hostile.stores", "hostile.endless", "hostile.limits", "hostile.instructions", "hostile.chains", "hostile.matlab", "hostile.deferred", "hostile.flows_of_scripts", "hostile.elements", "hostile.answers", "hostile.reaches", "hostile.loaders", "hostile.claims", "hostile.spellings",
    "benign.plain", "benign.arrays", "benign.models", "benign.frames", "benign.boosters", "benign.tensors",
    "benign.torches", "benign.keras_models", "benign.repositories", "benign.wider", "benign.libraries", "benign.ordinary", "benign.wider_places", "benign.structures", "benign.wider_formats", "benign.scripts", "benign.stores", "benign.endless", "benign.limits", "benign.instructions", "benign.chains", "benign.objects", "benign.matlab", "benign.deferred", "benign.elements", "benign.answers", "benign.reaches", "benign.loaders", "benign.claims", "benign.spellings",
]


def pick(corpus, out, most=2048, each=10):
    """The smallest files of every category; none with a secret in it, made up or not."""
    shutil.rmtree(out, ignore_errors=True)
    small = Corpus(out, corpus.seed)
    taken = collections.Counter()
    size = lambda row: (corpus.out / row[0]).stat().st_size
    for row in sorted((r for r in corpus.rows if (corpus.out / r[0]).is_file() and r[1] != "secrets"), key=size):
        kind = row[1], row[2] == "clean"
        if size(row) <= most and taken[kind] < each:
            taken[kind] += 1
            (out / row[0]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(corpus.out / row[0], out / row[0])
            small.rows.append(row)
    small.save()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=GROUPS)
    parser.add_argument("--pick", metavar="FOLDER", help="also copy a few small files of each kind there, for the tests of the crate")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    shutil.rmtree(options.out, ignore_errors=True)
    Path(options.out).mkdir(parents=True)
    corpus = Corpus(options.out, options.seed)
    for group in options.only:
        try:
            importlib.import_module(group).make(corpus)
        except ImportError as missing:
            print(f"SKIP {group}: {missing}")
        except Exception:
            print(f"FAIL {group}")
            traceback.print_exc()
            corpus.skipped.append(group)
    corpus.save()
    if options.pick:
        pick(corpus, Path(options.pick))
    hostile = sum(row[2] != "clean" for row in corpus.rows)
    print(f"{hostile} hostile and {len(corpus.rows) - hostile} benign files, seed {options.seed}")
    return 1 if corpus.skipped else 0


if __name__ == "__main__":
    sys.exit(main())
