//! Names by which code, or an object that asks others for their attributes, reaches beyond what it is given.
//!
//! A function that cloudpickle or dill wrote by value, and a key such as `operator.attrgetter("score")`, are data until
//! somebody calls them. Then they are given objects of the caller's, and what they can do with those is in the names that
//! they use. None of these names is one that a threshold, a tokenizer or a sort key has.

/// Functions, attributes and modules that lead to the interpreter, to files, to programs or to the network.
const REACH: [&str; 120] = [
    "BytesIO",
    "CDLL",
    "DataSource",
    "FileIO",
    "FunctionType",
    "Path",
    "Popen",
    "StringIO",
    "aiohttp",
    "ast",
    "asyncio",
    "atexit",
    "attrgetter",
    "boto3",
    "breakpoint",
    "builtins",
    "call",
    "cdll",
    "check_call",
    "check_output",
    "chmod",
    "cloudpickle",
    "cmd",
    "code",
    "codecs",
    "codeop",
    "commands",
    "compile",
    "concurrent",
    "ctypes",
    "ctypeslib",
    "delattr",
    "dill",
    "dump",
    "dumps",
    "environ",
    "eval",
    "exec",
    "execfile",
    "execv",
    "execve",
    "exit",
    "fcntl",
    "fork",
    "from_disk",
    "from_pretrained",
    "fromfile",
    "ftplib",
    "gc",
    "getattr",
    "getoutput",
    "globals",
    "hardlink_to",
    "help",
    "http",
    "httpx",
    "hub",
    "import_module",
    "importlib",
    "input",
    "inspect",
    "interact",
    "io",
    "iterdir",
    "joblib",
    "kill",
    "linecache",
    "load",
    "loads",
    "locals",
    "marshal",
    "memmap",
    "methodcaller",
    "mkdir",
    "mmap",
    "modules",
    "mro",
    "multiprocessing",
    "nt",
    "open",
    "operator",
    "os",
    "paramiko",
    "pathlib",
    "pdb",
    "pickle",
    "pip",
    "pkgutil",
    "platform",
    "popen",
    "posix",
    "profile",
    "pty",
    "query",
    "quit",
    "read_pickle",
    "remove_tree",
    "requests",
    "rmdir",
    "rmtree",
    "run",
    "runpy",
    "save",
    "select",
    "setattr",
    "shutil",
    "signal",
    "site",
    "smtplib",
    "socket",
    "spawn",
    "ssl",
    "subprocess",
    "symlink_to",
    "sys",
    "system",
    "tempfile",
    "threading",
    "touch",
    "unlink",
];

/// More of them, by how they begin.
const BEGINS: [&str; 21] = [
    "f_", "gi_", "cr_", "ag_", "tb_", "co_", "func_", "exec", "spawn", "popen", "load_", "read_", "write",
    "save", "tofile", "url", "http", "run_", "xml", "socket", "to_",
];

/// Methods whose names begin like those that write files, and that convert in memory.
const CONVERT: [&str; 18] = [
    "to_array",
    "to_dense",
    "to_device",
    "to_dict",
    "to_frame",
    "to_julian_date",
    "to_list",
    "to_native",
    "to_numpy",
    "to_pandas",
    "to_period",
    "to_pydatetime",
    "to_series",
    "to_sparse",
    "to_tensor",
    "to_timedelta",
    "to_timestamp",
    "to_torch",
];

/// Names with two underscores that reading, calling and comparing objects use.
const ORDINARY: [&str; 34] = [
    "__add__",
    "__bool__",
    "__call__",
    "__contains__",
    "__copy__",
    "__deepcopy__",
    "__delitem__",
    "__doc__",
    "__enter__",
    "__eq__",
    "__exit__",
    "__firstlineno__",
    "__float__",
    "__ge__",
    "__getitem__",
    "__gt__",
    "__hash__",
    "__init__",
    "__int__",
    "__iter__",
    "__le__",
    "__len__",
    "__lt__",
    "__module__",
    "__mul__",
    "__name__",
    "__ne__",
    "__next__",
    "__qualname__",
    "__repr__",
    "__setitem__",
    "__static_attributes__",
    "__str__",
    "__sub__",
];

/// Whether one of the parts of a name is such a name.
pub(super) fn reaches(name: &str) -> bool {
    name.split('.').any(|part| {
        let hidden = part.starts_with("__") && !ORDINARY.contains(&part);
        let bare = part.trim_start_matches('_');
        hidden
            || REACH.contains(&bare)
            || BEGINS.iter().any(|begin| bare.starts_with(begin)) && !CONVERT.contains(&bare)
    })
}

#[cfg(test)]
mod tests {
    use super::reaches;

    #[test]
    fn names_are_told_apart() {
        for name in
            ["os", "a.__globals__", "f_back", "_sys", "read_csv", "eval", "x.system", "__class__", "to_xml"]
        {
            assert!(reaches(name), "{name}");
        }
        for name in ["score", "a.b", "lower", "_vocab", "__init__", "append", "mean", "numpy", "to_numpy"] {
            assert!(!reaches(name), "{name}");
        }
    }
}
