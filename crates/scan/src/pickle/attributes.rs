//! Attributes that Python looks up by itself: what a file puts there, Python calls.
//!
//! The names are those of "Special method names" and "Emulating …" of the Python language reference (3.11 to 3.14), the
//! ones that `pickle`, `copy`, `abc` and `inspect` look up, and those by which numpy and torch ask an object. Other names between
//! two underscores, such as `__doc__` or what a library keeps for itself, are data.

/// Without the underscores, sorted.
const METHODS: [&str; 146] = [
    "abs",
    "add",
    "aenter",
    "aexit",
    "aiter",
    "and",
    "anext",
    "array",
    "array_finalize",
    "array_function",
    "array_interface",
    "array_prepare",
    "array_struct",
    "array_ufunc",
    "array_wrap",
    "await",
    "bases",
    "bool",
    "buffer",
    "builtins",
    "bytes",
    "call",
    "ceil",
    "class",
    "class_getitem",
    "closure",
    "code",
    "complex",
    "contains",
    "copy",
    "cuda_array_interface",
    "deepcopy",
    "defaults",
    "del",
    "delattr",
    "delete",
    "delitem",
    "delslice",
    "dict",
    "dir",
    "div",
    "divmod",
    "dlpack",
    "dlpack_device",
    "enter",
    "eq",
    "exit",
    "float",
    "floor",
    "floordiv",
    "format",
    "fspath",
    "func",
    "ge",
    "get",
    "getattr",
    "getattribute",
    "getinitargs",
    "getitem",
    "getnewargs",
    "getnewargs_ex",
    "getslice",
    "getstate",
    "globals",
    "gt",
    "hash",
    "hex",
    "iadd",
    "iand",
    "idiv",
    "ifloordiv",
    "ilshift",
    "imatmul",
    "imod",
    "import",
    "imul",
    "index",
    "init",
    "init_subclass",
    "instancecheck",
    "int",
    "invert",
    "ior",
    "ipow",
    "irshift",
    "isub",
    "iter",
    "itruediv",
    "ixor",
    "kwdefaults",
    "le",
    "len",
    "length_hint",
    "loader",
    "lshift",
    "lt",
    "matmul",
    "metaclass",
    "missing",
    "mod",
    "mro_entries",
    "mul",
    "ne",
    "neg",
    "new",
    "next",
    "nonzero",
    "or",
    "path",
    "pos",
    "post_init",
    "pow",
    "prepare",
    "radd",
    "rand",
    "rdiv",
    "rdivmod",
    "reduce",
    "reduce_ex",
    "release_buffer",
    "repr",
    "reversed",
    "rfloordiv",
    "rlshift",
    "rmatmul",
    "rmod",
    "rmul",
    "ror",
    "round",
    "rpow",
    "rrshift",
    "rshift",
    "rsub",
    "rtruediv",
    "rxor",
    "self",
    "set",
    "set_name",
    "setattr",
    "setitem",
    "setslice",
    "setstate",
    "signature",
    "sizeof",
    "slots",
    "spec",
];
/// The rest of them, by their beginnings.
const MORE: [&str; 9] =
    ["str", "sub", "subclass", "torch_", "truediv", "trunc", "unicode", "weakref", "wrapped"];

/// Whether Python, or a library that models are made of, calls or follows an attribute of that name by itself.
pub(super) fn is_looked_up(name: &str) -> bool {
    let inner = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    inner.is_some_and(|inner| {
        METHODS.binary_search(&inner).is_ok()
            || MORE.iter().any(|beginning| inner.starts_with(beginning))
            || inner == "xor"
    })
}

/// Whether a name is one that its owner keeps for itself: as data it is nobody's business.
pub(super) fn is_marked(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_the_data_model_are_told_from_data() {
        assert!(METHODS.windows(2).all(|pair| pair[0] < pair[1]));
        for name in
            ["__setstate__", "__call__", "__class__", "__torch_function__", "__subclasshook__", "__xor__"]
        {
            assert!(is_looked_up(name), "{name}");
        }
        for name in ["__doc__", "__networkx_cache__", "call", "__name__", "____", "__annotations__"] {
            assert!(!is_looked_up(name), "{name}");
        }
    }
}
