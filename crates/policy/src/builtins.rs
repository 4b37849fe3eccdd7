//! The builtins a policy may call: those that the Open Policy Agent and regorus both have, that give the
//! same answer on both, and that see nothing but their arguments.
//!
//! A list of what is allowed, not of what is refused: a builtin that a later engine adds is unknown here
//! and therefore refused. Left out on purpose: `http.send` (a stub that is undefined in regorus, so a
//! denial that depends on it never fires), `opa.runtime`, `rand.intn`, `time.now_ns`, `uuid.*`,
//! `net.lookup_ip_addr` (the world), `rego.metadata.*`, `crypto.*`, `io.jwt.*` (missing in regorus, and the
//! host verifies signatures), `numbers.range` (one call can outlast the time limit), `print`, `trace`.

/// Sorted, so that it can be searched and read.
const ALLOWED: &[&str] = &[
    "abs",
    "array.concat",
    "array.reverse",
    "array.slice",
    "bits.and",
    "bits.lsh",
    "bits.negate",
    "bits.or",
    "bits.rsh",
    "bits.xor",
    "ceil",
    "concat",
    "contains",
    "count",
    "endswith",
    "floor",
    "format_int",
    "glob.match",
    "indexof",
    "indexof_n",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "lower",
    "max",
    "min",
    "object.filter",
    "object.get",
    "object.keys",
    "object.remove",
    "object.subset",
    "object.union",
    "object.union_n",
    "product",
    "regex.is_valid",
    "regex.match",
    "regex.replace",
    "regex.split",
    "replace",
    "round",
    "semver.compare",
    "semver.is_valid",
    "sort",
    "split",
    "sprintf",
    "startswith",
    "strings.any_prefix_match",
    "strings.any_suffix_match",
    "strings.count",
    "strings.replace_n",
    "strings.reverse",
    "substring",
    "sum",
    "time.add_date",
    "time.clock",
    "time.date",
    "time.parse_duration_ns",
    "time.parse_rfc3339_ns",
    "time.weekday",
    "to_number",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "type_name",
    "union",
    "upper",
    "walk",
];

/// A policy may call this builtin.
pub(crate) fn is_allowed(name: &str) -> bool {
    ALLOWED.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(ALLOWED.is_sorted());
        for name in ["http.send", "opa.runtime", "rand.intn", "time.now_ns", "io.jwt.decode", "crypto.sha256"]
        {
            assert!(!is_allowed(name), "{name}");
        }
        assert!(is_allowed("count") && is_allowed("walk"));
    }
}
