//! Where values came from, looked up through all that they hold.

use std::collections::HashSet;

use super::{Machine, Manner, Scope, What};
use crate::address;
use crate::python::effects::Effect;
use crate::python::syntax::{Id, Kind};
use crate::python::value::{Arguments, Cell, GAP, Taint, Value};

/// Values that are looked at for all questions of one file, some tenths of a second.
const MAX_LOOKS: u64 = 1 << 23;
/// Values that a question looks at once those are used up.
const FEW: u64 = 256;

impl Machine<'_> {
    /// Where what is not known of a value came from, however deep it lies in lists and tables.
    pub(super) fn taint(&self, value: &Value) -> Taint {
        self.taint_through(value, false)
    }

    /// The same, through the fields of objects as well.
    pub(super) fn taint_of_all(&self, value: &Value) -> Taint {
        self.taint_through(value, true)
    }

    /// Where what an object holds came from, whichever method of its class put it there.
    pub(super) fn taint_of_fields(&self, object: &Value) -> Taint {
        self.put.values().fold(self.taint_of_all(object), |taint, put| taint.and(self.taint(put)))
    }

    fn taint_through(&self, value: &Value, fields: bool) -> Taint {
        let mut taint = Taint::NONE;
        let mut open = vec![value];
        // What holds others is looked through once, wherever it stands.
        let mut seen: HashSet<usize> = HashSet::new();
        let mut left = MAX_LOOKS.saturating_sub(self.looks.get()).max(FEW);
        let before = left;
        let holds = |value: &&Value| {
            !matches!(
                value,
                Value::None | Value::Bool(_) | Value::Integer(_) | Value::Text(_) | Value::Bytes(_)
            )
        };
        while let Some(value) = open.pop() {
            let room = usize::try_from(left).unwrap_or(usize::MAX);
            let held = match value {
                Value::Unknown(more) | Value::Outside(_, more) | Value::Begins(_, more) => {
                    taint = taint.and(*more);
                    0
                }
                Value::OneOf(all) => {
                    open.extend(all.iter().filter(holds));
                    all.len()
                }
                Value::Cell(at) if seen.insert(*at) => match self.heap.get(*at) {
                    Some(Cell::Sequence(values)) => {
                        open.extend(values.iter().take(room).filter(holds));
                        values.len()
                    }
                    Some(Cell::Dict(pairs)) => {
                        open.extend(pairs.iter().take(room).map(|(_, v)| v).filter(holds));
                        pairs.len()
                    }
                    Some(Cell::Object { fields: inner, .. }) if fields => {
                        open.extend(inner.values().take(room).filter(holds));
                        inner.len()
                    }
                    _ => 0,
                },
                _ => 0,
            };
            let took = held as u64 + 1;
            if took > left {
                self.overlooked.set(true);
                break;
            }
            left -= took;
        }
        // A look at a value that holds no other is part of a step.
        if before - left > 1 {
            self.looks.set(self.looks.get().saturating_add(before - left));
        }
        taint
    }

    /// What a variable of the machine's holds, by its name: the letters of a secret, where it is named like one or whoever
    /// asks has the name.
    pub(super) fn variable(&self, name: &Value) -> Taint {
        let secret = |name: &Value| match name.as_text() {
            Some(text) => names_secret(text),
            None => self.taint(name).has(Taint::GIVEN.and(Taint::CALLER).and(Taint::SECRET)),
        };
        let bare = if name.choices().iter().any(secret) { Taint::BARE } else { Taint::NONE };
        let own = name.choices().iter().filter_map(Value::as_text).any(names_own);
        Taint::KEY.and(bare).and(if own { Taint::OWN } else { Taint::NONE })
    }

    /// Remembers what is put into something that an object holds: `self.kept["k"] = v`.
    pub(super) fn remember_held(&mut self, scope: Scope<'_>, holder: Id, value: &Value) {
        const DEEPEST: usize = 16;
        let mut at = holder;
        for _ in 0..DEEPEST {
            match scope.tree.expressions.get(at).map(|e| &e.kind) {
                Some(Kind::Subscript(inner, _)) => at = *inner,
                Some(Kind::Attribute(inner, name)) => {
                    if let Some(Kind::Name(object)) = scope.tree.expressions.get(*inner).map(|e| &e.kind) {
                        let object = self.lookup(scope, object);
                        self.remember_put(&object, name, value);
                        return;
                    }
                    at = *inner;
                }
                _ => return,
            }
        }
    }

    /// The same by a method: `self.kept.append(v)`.
    pub(super) fn keeps_given(&mut self, scope: Scope<'_>, callee: Id, given: &Arguments) {
        const PUTS: [&str; 10] = [
            "append",
            "appendleft",
            "extend",
            "add",
            "update",
            "setdefault",
            "insert",
            "put",
            "push",
            "__setitem__",
        ];
        let Some(Kind::Attribute(holder, method)) = scope.tree.expressions.get(callee).map(|e| &e.kind)
        else {
            return;
        };
        if PUTS.contains(&method.as_str()) {
            for value in given.all() {
                self.remember_held(scope, *holder, value);
            }
        }
    }

    /// Tells of a secret that is written to a file which a server gives to whoever asks.
    pub(super) fn lays_open(&mut self, scope: Scope<'_>, name: &str, arguments: &Arguments, line: u32) {
        const SERVED: [&str; 9] =
            ["static", "public", "www", "html", "htdocs", "public_html", "wwwroot", "webroot", ".well-known"];
        let served = |text: &str| {
            let folders = text.rsplit_once('/').map_or("", |(folders, _)| folders);
            folders.split(['/', '<']).any(|part| SERVED.contains(&part))
        };
        let path = |value: &Value| match value {
            Value::Outside(name, _) if name.contains('<') => served(name),
            other => other.beginning().is_some_and(served),
        };
        let open = name.contains('<') && served(name) || arguments.all().any(path);
        if open && arguments.all().any(|value| self.taint(value).has(Taint::BARE)) {
            self.gives_away(scope, "a file that is served", line);
        }
    }

    fn gives_away(&mut self, scope: Scope<'_>, how: &str, line: u32) {
        let what = What::Effect {
            effect: Effect::Network,
            name: how.to_owned(),
            arguments: Vec::new(),
            taint: Taint::SECRET,
            manner: Manner::Sending,
        };
        self.event(scope, line, what);
    }

    /// Whether values were left out that may be what is asked about.
    pub(super) fn has_overlooked(&self) -> bool {
        const TOLD: Taint =
            Taint::SECRET.and(Taint::KEY).and(Taint::NETWORK).and(Taint::HUB).and(Taint::DECODED);
        self.overlooked.get() && self.origins.has(TOLD)
    }
}

/// Whether the result of a call has the letters of what it is given in it, in some form. What a service answers to whoever
/// shows it a key has not.
pub(super) fn keeps_letters(name: &str) -> bool {
    const KEEPS: [&str; 89] = [
        "HTMLResponse",
        "HTTPException",
        "InferenceResponse",
        "JSONResponse",
        "ORJSONResponse",
        "OrderedDict",
        "PlainTextResponse",
        "Response",
        "Series",
        "DataFrame",
        "SimpleNamespace",
        "Tensor",
        "a85encode",
        "array",
        "asarray",
        "ascii",
        "asdict",
        "b16encode",
        "b2a_base64",
        "b2a_hex",
        "b32encode",
        "b64encode",
        "b85encode",
        "bytearray",
        "bytes",
        "capitalize",
        "casefold",
        "center",
        "chr",
        "compress",
        "copy",
        "decode",
        "deepcopy",
        "defaultdict",
        "dict",
        "dumps",
        "encode",
        "encodebytes",
        "enumerate",
        "escape",
        "expandtabs",
        "format",
        "format_map",
        "frombuffer",
        "frozenset",
        "full",
        "hex",
        "hexlify",
        "items",
        "iter",
        "join",
        "jsonable_encoder",
        "jsonify",
        "list",
        "ljust",
        "lower",
        "lstrip",
        "make_response",
        "map",
        "next",
        "object_",
        "ord",
        "partition",
        "quote",
        "quote_from_bytes",
        "quote_plus",
        "read",
        "read_bytes",
        "read_text",
        "readline",
        "readlines",
        "removeprefix",
        "removesuffix",
        "replace",
        "repr",
        "reversed",
        "rjust",
        "sorted",
        "split",
        "splitlines",
        "standard_b64encode",
        "str",
        "str_",
        "strip",
        "swapcase",
        "tensor",
        "title",
        "to_json",
        "urlencode",
    ];
    const MORE: [&str; 17] = [
        "rpartition",
        "rsplit",
        "rstrip",
        "set",
        "to_dict",
        "tobytes",
        "tolist",
        "translate",
        "tuple",
        "upper",
        "urlsafe_b64encode",
        "values",
        "vars",
        "zfill",
        "zip",
        "numpy",
        "ChainMap",
    ];
    let last = name.trim_end_matches("()").rsplit('.').next().unwrap_or(name);
    let own = ["builtins.str.", "builtins.bytes."].iter().any(|class| name.starts_with(class));
    own && !asks_about(last) || KEEPS.contains(&last) || MORE.contains(&last)
}

/// Whether a method of a text tells something of it that is no part of it.
pub(super) fn asks_about(method: &str) -> bool {
    method.starts_with("is")
        || [
            "startswith",
            "endswith",
            "count",
            "find",
            "rfind",
            "index",
            "rindex",
            "__len__",
            "__contains__",
            "__eq__",
        ]
        .contains(&method)
}

/// Whether a variable of a machine is named as one that holds a secret.
pub(super) fn names_secret(name: &str) -> bool {
    const PARTS: [&str; 12] = [
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "CREDENTIAL",
        "API_KEY",
        "APIKEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
        "AUTH_KEY",
        "ACCOUNT_KEY",
        "ENCRYPTION_KEY",
        "SIGNING_KEY",
    ];
    /// Tokens of a text.
    const PLAIN: [&str; 12] = [
        "TOKENIZ",
        "TOKENS",
        "MAX_TOKEN",
        "PAD_TOKEN",
        "EOS_TOKEN",
        "BOS_TOKEN",
        "UNK_TOKEN",
        "SEP_TOKEN",
        "CLS_TOKEN",
        "MASK_TOKEN",
        "TOKEN_LIMIT",
        "TOKEN_COUNT",
    ];
    /// Keys of tables.
    const OF_TABLES: [&str; 16] = [
        "PRIMARY_KEY",
        "SORT_KEY",
        "PARTITION_KEY",
        "CACHE_KEY",
        "INDEX_KEY",
        "PUBLIC_KEY",
        "INPUT_KEY",
        "OUTPUT_KEY",
        "LABEL_KEY",
        "IMAGE_KEY",
        "TEXT_KEY",
        "OBJECT_KEY",
        "STATE_KEY",
        "DATA_KEY",
        "FEATURE_KEY",
        "MODEL_KEY",
    ];
    let upper = name.to_ascii_uppercase();
    if upper.ends_with("_KEY") && !OF_TABLES.iter().any(|key| upper.ends_with(key)) {
        return true;
    }
    PARTS.iter().any(|part| upper.contains(part))
        || upper.contains("TOKEN") && !PLAIN.iter().any(|plain| upper.contains(plain))
}

/// Whether a variable holds a key that only its own services ask for.
pub(super) fn names_own(name: &str) -> bool {
    [
        "HF_TOKEN",
        "HUGGING_FACE_HUB_TOKEN",
        "HUGGINGFACE_TOKEN",
        "HUGGINGFACEHUB_API_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "GITHUB_TOKEN",
        "GH_TOKEN",
    ]
    .contains(&name)
}

/// Whether a host is one of the services that such keys are for.
pub(super) fn is_theirs(host: &str) -> bool {
    [
        "huggingface.co",
        "hf.co",
        "hf.space",
        "huggingface.cloud",
        "hf-mirror.com",
        "github.com",
        "githubusercontent.com",
        "ghcr.io",
        "githubcopilot.com",
        "models.inference.ai.azure.com",
        "github.ai",
        "amazonaws.com",
        "aws.dev",
    ]
    .iter()
    .any(|own| host == *own || host.strip_suffix(own).is_some_and(|rest| rest.ends_with('.')))
}

/// Whether an address is asked that is written in the source, and is none of the services that a key is for.
pub(super) fn is_asked_elsewhere(arguments: &Arguments) -> bool {
    let mut hosts = arguments.all().filter_map(Value::beginning).filter_map(address::host);
    hosts.any(|host| !address::is_near(host) && !host.contains(GAP) && !is_theirs(host))
}
