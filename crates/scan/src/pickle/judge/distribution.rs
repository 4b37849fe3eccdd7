//! The state of a distribution of `scipy.stats`.
//!
//! Loading one runs a piece of source that lies in its state: three functions which scipy generates from the
//! names of the shape parameters. So the state is inert exactly when the text is the one that these names give,
//! and when nothing in it takes the place of a method that is called. Source: scipy 1.17,
//! `scipy/stats/_distn_infrastructure.py`, `parse_arg_template` and `rv_generic.__setstate__`.
//!
//! Before scipy 1.5 the state was what the distribution is made of anew, with a generator of random numbers: scipy makes the
//! source itself, of names that it takes for none but words.

use super::super::machine::Machine;
use super::super::value::Value;
use super::plain::plain;

/// Attributes that scipy's own distributions have.
const ATTRIBUTES: [&str; 26] = [
    "_stats_has_moments",
    "_random_state",
    "_ctor_param",
    "badvalue",
    "name",
    "a",
    "b",
    "xtol",
    "moment_type",
    "shapes",
    "extradoc",
    "longname",
    "inc",
    "_parse_arg_template",
    "numargs",
    "__doc__",
    "_updated_ctor_param",
    "_open_support_mask",
    "xk",
    "pk",
    "qvals",
    "vecentropy",
    "moment_tol",
    "_support",
    "_rvs_uses_size_attribute",
    "_rvs_size_warned",
];

/// What its own distributions were made of.
const MADE_OF: [&str; 13] = [
    "momtype",
    "a",
    "b",
    "xtol",
    "badvalue",
    "name",
    "longname",
    "shapes",
    "extradoc",
    "seed",
    "moment_tol",
    "values",
    "inc",
];

/// Whether `state` is one.
pub(super) fn is_state(machine: &Machine<'_>, state: Value) -> bool {
    if let Some([made_of, _]) = machine.tuple(state) {
        return is_made_of(machine, *made_of);
    }
    let Some((items, true)) = machine.dict(state) else { return false };
    let known = |key: &Value| machine.text(*key).is_some_and(|key| ATTRIBUTES.contains(&&*key));
    let template = machine.entry(state, "_parse_arg_template").and_then(|text| machine.text(text));
    items.iter().step_by(2).all(known)
        && items
            .iter()
            .step_by(2)
            .filter(|key| machine.text(**key).as_deref() == Some("_parse_arg_template"))
            .count()
            == 1
        && template.is_some_and(|text| is_template(&text))
}

/// Whether a distribution is made of constants, and its shapes are words.
fn is_made_of(machine: &Machine<'_>, made_of: Value) -> bool {
    let Some((items, true)) = machine.dict(made_of) else { return false };
    items.chunks(2).all(|pair| {
        let [key, value] = pair else { return false };
        machine.text(*key).is_some_and(|key| {
            let words = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_, ".contains(c));
            MADE_OF.contains(&&*key)
                && plain(machine, *value)
                && (key != "shapes" || machine.text(*value).is_none_or(|shapes| words(&shapes)))
        })
    })
}

/// Whether `text` is what the names in it give.
fn is_template(text: &str) -> bool {
    let Some(arguments) =
        text.strip_prefix("\ndef _parse_args(self, ").and_then(|rest| rest.split_once("):"))
    else {
        return false;
    };
    [("loc=0, scale=1", "loc, scale"), ("loc=0", "loc, 1")].into_iter().any(|(with_default, passed)| {
        let Some(shapes) = arguments.0.strip_suffix(with_default).and_then(|shapes| shapes.strip_suffix(' '))
        else {
            return false;
        };
        let names = shapes.split_terminator(", ");
        let plain = |name: &str| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !name.starts_with("__")
        };
        let given = format!(
            "\ndef _parse_args(self, {shapes} {with_default}):\n    return ({shapes}), {passed}\n\n\
             def _parse_args_rvs(self, {shapes} {with_default}, size=None):\n    \
             return self._argcheck_rvs({shapes} {passed}, size=size)\n\n\
             def _parse_args_stats(self, {shapes} {with_default}, moments='mv'):\n    \
             return ({shapes}), {passed}, moments\n"
        );
        names.into_iter().all(plain) && text == given
    })
}

#[cfg(test)]
mod tests {
    use super::is_template;

    #[test]
    fn only_what_scipy_writes_is_its_template() {
        // `scipy.stats.beta._parse_arg_template` and `scipy.stats.uniform._parse_arg_template` of scipy 1.17.1.
        let beta = "\ndef _parse_args(self, a, b,  loc=0, scale=1):\n    return (a, b, ), loc, scale\n\n\
                    def _parse_args_rvs(self, a, b,  loc=0, scale=1, size=None):\n    return self._argcheck_rvs(a, b,  loc, scale, size=size)\n\n\
                    def _parse_args_stats(self, a, b,  loc=0, scale=1, moments='mv'):\n    return (a, b, ), loc, scale, moments\n";
        let uniform = "\ndef _parse_args(self,  loc=0, scale=1):\n    return (), loc, scale\n\n\
                       def _parse_args_rvs(self,  loc=0, scale=1, size=None):\n    return self._argcheck_rvs( loc, scale, size=size)\n\n\
                       def _parse_args_stats(self,  loc=0, scale=1, moments='mv'):\n    return (), loc, scale, moments\n";
        assert!(is_template(beta) && is_template(uniform));
        assert!(!is_template(&beta.replace("(a, b, )", "(a, exec(b), )")));
        assert!(!is_template(&beta.replace("a, b, ", "a, b=exec('1'), ")));
        assert!(!is_template(&format!("{beta}import os\n")));
        assert!(!is_template("import os"));
        assert!(!is_template(""));
    }
}
