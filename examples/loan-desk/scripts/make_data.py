#!/usr/bin/env python3
"""Make the applications: data/train.parquet, test.parquet, traffic-normal.parquet, traffic-downturn.parquet.

Nobody's data: applications and what became of the loans are drawn from the rules below, with fixed seeds. They have
what makes such data hard (fields that go together, people who repay against all signs and who do not), so that a
model can be good at it and not perfect.

* train     10,000 applications: what the model learns from;
* test      10,000 applications: what the release is judged by; as many, because a membership test that speaks about
            one false alarm in a thousand needs ten thousand strangers;
* normal       900 applications as they come in;
* downturn     900 applications as they would come in half a year into a recession.

Every column is a whole number from 0 to 100, so that one divisor serves all: COLUMNS says what its unit is. The same
pyarrow and NumPy write the same bytes.

Needs numpy and pyarrow (written with 2.4 and 21).
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DATA = Path(__file__).resolve().parent.parent / "data"

COLUMNS = {
    "income": "net income a month, hundreds of EUR",
    "housing": "rent or mortgage a month, hundreds of EUR",
    "amount": "amount asked for, hundreds of EUR",
    "term": "months to repay it in",
    "employed": "months with the present employer, 100 for more",
    "account": "months since the current account was opened, 100 for more",
    "arrears": "days in arrears with anybody in the last year, 100 for more (credit bureau)",
    "used": "per cent of card and overdraft limits in use (credit bureau)",
    "inquiries": "five times the inquiries of other lenders in half a year (credit bureau)",
    "for_car": "100 where it is for a car",
    "for_home": "100 where it is for the home",
    "for_other": "100 where it is for something else",
}
TERMS = np.array([12, 18, 24, 36, 48, 60, 72, 84])


def whole(values, low=0, high=100):
    """Whole numbers within a range."""
    return np.clip(np.rint(values), low, high).astype(np.int64)


def applications(rng, n, downturn=0.0):
    """`n` applications as columns; `downturn` is 0 in ordinary times and 1 in a deep recession."""
    steady = rng.normal(0, 1, n)  # how settled somebody's life is, which nobody records
    income = whole(np.exp(rng.normal(3.25, 0.36, n) + 0.12 * steady - 0.3 * downturn), 8)
    housing = whole(income * np.clip(rng.normal(0.29, 0.08, n) + 0.09 * downturn, 0.05, 0.55))
    amount = whole(np.exp(rng.normal(3.3, 0.7, n) - 0.45 * downturn), 5)
    term = TERMS[np.clip(np.rint(amount / 14 + rng.normal(1.2, 1.4, n)).astype(int), 0, len(TERMS) - 1)]
    employed = whole(rng.gamma(1.6, 26, n) * np.exp(0.35 * steady) * (1 - 0.6 * downturn))
    account = whole(np.maximum(employed * rng.uniform(0.3, 1.2, n), rng.gamma(2.2, 24, n)))
    trouble = rng.uniform(0, 1, n) < 0.16 + 0.3 * downturn - 0.05 * np.tanh(steady)
    arrears = whole(np.where(trouble, rng.gamma(1.4, 16, n), 0))
    used = whole(100 * rng.beta(1.4, 2.4, n) + 12 * trouble + 24 * downturn - 6 * steady)
    inquiries = whole(5 * rng.poisson(0.9 + 1.1 * trouble + 2 * downturn, n))
    purpose = rng.choice(3, n, p=[0.34, 0.26, 0.40])
    columns = dict(zip(COLUMNS, [income, housing, amount, term, employed, account, arrears, used, inquiries]))
    for at, name in enumerate(("for_car", "for_home", "for_other")):
        columns[name] = np.where(purpose == at, 100, 0)
    return columns


def age(rng, employed):
    """How old applicants are, which no column tells the model: whoever is long with an employer is not twenty."""
    worked = employed / 12 * rng.uniform(0.8, 1.6, len(employed))
    return whole(18 + worked + rng.gamma(2.2, 10, len(employed)), 18, 90)


def repaid(rng, c):
    """Whether each loan is repaid: 1 or 0."""
    instalment = c["amount"] / c["term"]
    left = c["income"] - c["housing"] - instalment - 8  # what is left to live on, hundreds of EUR
    sign = (
        -0.9
        + 2.4 * np.tanh(left / 9)
        + 1.3 * np.tanh(c["employed"] / 40)
        + 0.5 * np.tanh(c["account"] / 50)
        - 0.085 * c["arrears"]
        - 3.4 * np.maximum(c["used"] / 100 - 0.45, 0) ** 1.2
        - 0.055 * c["inquiries"]
        - 1.5 * instalment / np.maximum(c["income"], 1) * 4
        + np.where(c["for_home"] > 0, 0.2, 0)
    )
    return (rng.uniform(0, 1, len(sign)) < 1 / (1 + np.exp(-2.1 * sign))).astype(np.int64)


def write(name, seed, n, first, downturn=0.0):
    """One file; `first` is the number of its first application."""
    rng = np.random.default_rng(seed)
    columns = applications(rng, n, downturn)
    label = repaid(rng, columns)
    table = {k: pa.array(v.astype(np.uint8)) for k, v in columns.items()}
    # No feature: who belongs to which group. Drawn beside the rest, so that nothing else depends on it.
    table["age"] = pa.array(age(np.random.default_rng(seed + 100), columns["employed"]).astype(np.uint8))
    # What somebody who does not mean to repay takes, in EUR.
    table["worth"] = pa.array((columns["amount"] * 100).astype(np.uint16))
    table["repaid"] = pa.array(label.astype(np.uint8))
    table["application"] = pa.array(np.arange(first, first + n).astype(np.uint32))
    DATA.mkdir(exist_ok=True)
    pq.write_table(
        pa.table(table),
        DATA / name,
        version="2.6",
        compression="zstd",
        use_dictionary=False,
        data_page_version="1.0",
        store_schema=False,
    )
    print(f"{name}: {n} rows, {label.mean():.3f} repaid")


def main():
    write("train.parquet", 11, 10_000, 100_000)
    write("test.parquet", 12, 10_000, 200_000)
    write("traffic-normal.parquet", 13, 900, 300_000)
    write("traffic-downturn.parquet", 14, 900, 310_000, downturn=0.65)


if __name__ == "__main__":
    main()
