"""Two-sample statistics of proofhouse-drift beside SciPy's. Usage: compare.py PROGRAM WORKDIR.

Tolerances: statistics 1e-9 relative; p-values 1e-6 relative above 1e-12, half a percent of log10 below.
"""

import json
import math
import pathlib
import subprocess
import sys

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

PSI_FLOOR = 1e-4


def cases(rng):
    """Pairs of columns: name, reference, current. Other distributions and sizes than the crate's own tests use."""
    yield "normal, no drift", rng.normal(3, 2, 7000), rng.normal(3, 2, 4000)
    yield "normal, shifted", rng.normal(0, 1, 2000), rng.normal(0.2, 1, 3000)
    yield "far apart", rng.normal(0, 1, 3000), rng.normal(2, 1, 3000)
    yield "heavy tails", rng.standard_t(2, 5000), rng.standard_cauchy(5000)
    yield "exponential, unequal sizes", rng.exponential(1, 12000), rng.exponential(1.1, 150)
    yield "small samples", rng.uniform(0, 1, 37), rng.uniform(0.2, 1, 23)
    yield "tiny samples", rng.uniform(0, 1, 5), rng.uniform(0, 1, 8)
    yield "few values", rng.integers(0, 4, 3000).astype(float), rng.integers(0, 5, 2500).astype(float)
    yield "pixels", rng.binomial(16, 0.4, 1297).astype(float), rng.binomial(16, 0.43, 500).astype(float)
    yield "counts with ties", rng.poisson(6, 9000).astype(float), rng.poisson(6, 9000).astype(float)
    yield "above the exact limit", rng.normal(0, 1, 60000), rng.normal(0.01, 1, 40000)
    nulls = rng.normal(0, 1, 2000)
    nulls[rng.uniform(size=2000) < 0.1] = np.nan
    yield "nulls", nulls, rng.normal(0, 1.1, 1500)


def expected(reference, current):
    ref, cur = reference[~np.isnan(reference)], current[~np.isnan(current)]
    out = {
        "ks": stats.ks_2samp(ref, cur, method="asymp").statistic,
        "ks_p_asymptotic": stats.ks_2samp(ref, cur, method="asymp").pvalue,
        "ks_p_auto": stats.ks_2samp(ref, cur, method="auto").pvalue,
        "wasserstein_1": stats.wasserstein_distance(ref, cur),
    }
    edges = np.unique(np.quantile(ref, np.linspace(0, 1, 11)))[1:-1]
    r = np.bincount(np.searchsorted(edges, ref, side="right"), minlength=len(edges) + 1)
    c = np.bincount(np.searchsorted(edges, cur, side="right"), minlength=len(edges) + 1)
    out["edges"] = edges.tolist()
    p, q = r / r.sum(), c / c.sum()
    fp, fq = np.maximum(p, PSI_FLOOR), np.maximum(q, PSI_FLOOR)
    used = (r + c) > 0
    out["psi"] = float(np.sum(((fq - fp) * np.log(fq / fp))[used]))
    out["js_distance"] = float(jensenshannon(p, q, base=2))
    out["total_variation"] = float(np.abs(p - q).sum() / 2)
    chi = stats.chi2_contingency(np.array([r, c])[:, used], correction=False)
    out["chi2"], out["chi2_p"], out["dof"] = chi.statistic, chi.pvalue, chi.dof
    return out


def same(name, ours, theirs):
    if name == "edges":
        return len(ours) == len(theirs) and all(same("edge", a, b) for a, b in zip(ours, theirs))
    if "_p" in name:
        if theirs > 1e-12:
            return abs(ours - theirs) <= 1e-6 * theirs
        if theirs < 1e-300 or ours < 1e-300:
            return ours < 1e-290 and theirs < 1e-290
        return abs(math.log10(ours) - math.log10(theirs)) <= 0.005 * abs(math.log10(theirs))
    return abs(ours - theirs) <= 1e-9 * max(abs(theirs), 1e-12)


def main():
    program, work = sys.argv[1], pathlib.Path(sys.argv[2])
    failed = 0
    for name, reference, current in cases(np.random.default_rng(5309)):
        column = {
            side: [None if math.isnan(v) else v for v in values.tolist()]
            for side, values in (("reference", reference), ("current", current))
        }
        text = json.dumps(column)
        (work / f"{name.replace(' ', '-').replace(',', '')}.json").write_text(text)
        run = subprocess.run([program], input=text, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            print(f"FAIL drift {name}: {run.stderr.strip()}")
            failed += 1
            continue
        ours, theirs = json.loads(run.stdout), expected(reference, current)
        wrong = [k for k in theirs if not same(k, ours[k], theirs[k])]
        if wrong:
            failed += 1
            for k in wrong:
                print(f"FAIL drift {name}: {k} is {ours[k]}, SciPy says {theirs[k]}")
        else:
            print(f"PASS drift {name}: {len(theirs)} figures equal SciPy's")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
