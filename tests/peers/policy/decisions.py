"""Reads the generated cases and compares decisions as values: Rego's sets have no order."""

import json


def number(text):
    """1.8e18 and 1800000000000000000 are one number in Rego."""
    value = float(text)
    return int(value) if value.is_integer() else value


def cases(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line, parse_float=number)


def ours(case):
    """Our decision, as a Rego engine would write it: without what the house adds to it."""
    decision = case["decision"]
    plain = {key: decision[key] for key in ("allow", "deny", "warn", "waived", "evidence", "action") if key in decision}
    for reasons in ("deny", "warn", "waived"):
        plain[reasons] = [
            {key: value for key, value in reason.items() if key not in ("title", "solution")}
            for reason in plain[reasons]
        ]
    return plain


def theirs(decision):
    """Their decision without what ours says once: a waiver's code and subject are those of its reason."""
    if not isinstance(decision, dict):
        return None
    plain = dict(decision)
    plain["waived"] = [dict(reason, waiver=dict(reason["waiver"])) for reason in decision.get("waived", [])]
    for reason in plain["waived"]:
        for key in ("code", "subject"):
            # What a person's approval lets pass at the boundary has no waiver with a code of its own.
            if key in reason["waiver"] and reason["waiver"].pop(key) != reason.get(key):
                return None
    return plain


def same(left, right):
    return right is not None and ordered(left) == ordered(right)


def ordered(decision):
    out = dict(decision)
    for key in ("deny", "warn", "waived", "evidence"):
        out[key] = sorted(json.dumps(item, sort_keys=True) for item in out[key])
    return out


def verdict(results):
    """Prints what came out and returns the exit code. `results` are cases with the other engine's decisions."""
    total, differing = 0, 0
    for case, other in results:
        total += 1
        if not same(ours(case), theirs(other)):
            differing += 1
            if differing <= 5:
                print(f"{case['package']} {case['name']} differs")
                print(f"  ours   {json.dumps(ours(case), sort_keys=True)[:600]}")
                print(f"  theirs {json.dumps(other, sort_keys=True)[:600]}")
    print(f"{total - differing} of {total} decisions are equal")
    return 1 if differing or not total else 0
