//! Formulas that a state has evaluated again when it is loaded.
//!
//! statsmodels keeps the formula of a model and builds its design matrix anew (`statsmodels.base.data.ModelData`,
//! `__setstate__`); terms of patsy and formulaic are Python. A formula is harmless that names columns, joins them by the
//! operators of formulas and of arithmetic, and calls only what both libraries give to formulas or what numpy computes.

use super::super::machine::Machine;
use super::super::value::Value;

/// Longest formula that people write.
const LONGEST: usize = 1 << 14;

/// What patsy and formulaic give to formulas, and what of numpy is arithmetic.
const FUNCTIONS: [&str; 34] = [
    "B",
    "C",
    "I",
    "Q",
    "Sum",
    "Treatment",
    "Poly",
    "Diff",
    "Helmert",
    "abs",
    "bs",
    "cc",
    "center",
    "cr",
    "cs",
    "exp",
    "log",
    "log10",
    "log1p",
    "log2",
    "lag",
    "max",
    "mean",
    "min",
    "np",
    "poly",
    "power",
    "round",
    "scale",
    "sqrt",
    "square",
    "standardize",
    "te",
    "where",
];

/// Whether nothing of the state is evaluated, or only a formula of that kind.
pub(super) fn is_harmless(machine: &Machine<'_>, state: Value) -> bool {
    let Some((_, true)) = machine.dict(state) else { return false };
    let again =
        ["restore_model_spec", "restore_design_info"].iter().any(|key| machine.entry(state, key).is_some());
    if !again {
        return true;
    }
    let keys = machine.dict(state).map(|(items, _)| {
        items.iter().step_by(2).filter(|key| machine.text(**key).as_deref() == Some("formula")).count()
    });
    let text = machine.entry(state, "formula").and_then(|formula| machine.text(formula));
    keys == Some(1) && text.is_some_and(|text| text.len() <= LONGEST && is_plain(&text))
}

/// Whether a text is such a formula.
fn is_plain(text: &str) -> bool {
    let mut rest = text.trim_start();
    let mut before_dot = "";
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphabetic() || first == '_' {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
        } else if matches!(first, '\'' | '"') {
            // A name or level between quotes: an escape could end it elsewhere than here.
            let inner = rest.get(1..).unwrap_or_default();
            match inner.find(first) {
                Some(end) if !inner.get(..end).unwrap_or_default().contains('\\') => end + 2,
                _ => return false,
            }
        } else {
            first.len_utf8()
        };
        let (token, tail) = rest.split_at(length);
        let tail = tail.trim_start();
        let name = first.is_alphabetic() || first == '_';
        if name {
            let given = FUNCTIONS.contains(&token);
            let fine = match before_dot {
                "" => given || !tail.starts_with('('),
                "np" => given,
                _ => false,
            };
            if token.contains("__") || !fine {
                return false;
            }
        } else if (first == ')' && tail.starts_with('('))
            || (first == '.'
                && before_dot.is_empty()
                && tail.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        {
            // What a call gives is not called, nor asked for an attribute.
            return false;
        } else if !(first.is_ascii_digit()
            || matches!(first, '\'' | '"')
            || "+-*/:~|^(),.=<>% \n".contains(first))
        {
            return false;
        }
        // A string directly behind a name is a prefix of it: `f"{…}"`.
        if name && tail.starts_with(['\'', '"']) {
            return false;
        }
        before_dot = match (name, tail.strip_prefix('.')) {
            (true, Some(_)) => token,
            _ if first == '.' => before_dot,
            _ => "",
        };
        rest = tail;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn only_columns_and_arithmetic_are_harmless() {
        for formula in [
            "y ~ x1 + x2",
            "np.log(y) ~ C(region, Treatment(reference='a b')) * I(x ** 2) - 1",
            "Q('weight.kg') ~ bs(age, df = 4) + center(np.sqrt(height)) : C(sex)",
            "lottery ~ literacy + wealth + 0.5",
        ] {
            assert!(is_plain(formula), "{formula}");
        }
        for formula in [
            "y ~ __import__('os').system('id')",
            "y ~ eval('1')",
            "y ~ np.load('x')",
            "y ~ np.__dict__",
            "y ~ x.apply(f)",
            "y ~ [c for c in x]",
            "y ~ (lambda: x)()",
            "y ~ C(x).__class__",
            "y ~ I(x)(y)",
            "y ~ C(x).values",
            "y ~ os . system ('id')",
            "y ~ 'a\\' + eval('1') + 'b'",
            "y ~ f'{eval(1)}'",
            "y ~ np.log.__self__",
            "y ~ {x}",
        ] {
            assert!(!is_plain(formula), "{formula}");
        }
    }
}
