"""python3 r_functions.py TABLE…: makes r_functions.csv of what the example `r_functions` printed of the files of functions.R.

A table is the output for one version of R. Functions that run texts, start programs, open files or resolve names that a
model could bring are left out: what they do is not told by what they are.
"""

import sys
from pathlib import Path

EXCEPT = set("parse str2lang system system2 shell source sys.source dyn.load download.file url pipe unlink file.remove writeLines file match.fun assign Sys.setenv install.packages readRDS load attach".split())
# Evaluating a formula of the model is what fitting and predicting are; the calls in it are judged where they stand.
EVALUATES = ("stats.", "MASS.", "nlme.", "mgcv.", "survival.", "rpart.")


def main():
    rows = {}
    for table in sys.argv[1:]:
        for line in Path(table).read_text().splitlines():
            digest, path, calls = line.split(",", 2)
            model, calls = Path(path).stem, set(calls.split())
            own = model.startswith(EVALUATES)
            if digest == "-" or calls & (EXCEPT - ({"assign"} if model.startswith("mgcv.") else set())) or (not own and calls & {"eval", "evalq", "get", "mget"}):
                continue
            rows.setdefault(digest[:32], model)
    out = Path(__file__).with_name("r_functions.csv")
    head = "# Made by r_functions.py: half a digest of a function, and a model that has it.\n"
    out.write_text(head + "".join(f"{digest},{model}\n" for digest, model in sorted(rows.items())))
    print(len(rows))


if __name__ == "__main__":
    main()
