//! The knowledge of the pickle rules: what is known of a callable by its qualified name.
//!
//! Allowed by callable, never by module: one resolver under an allowed module reaches everything else. The
//! tables are data of this crate, so the same bytes get the same verdict on every host, whatever is
//! installed there.

use std::collections::HashMap;
use std::sync::LazyLock;

use proofhouse_core::Hasher;

const CALLABLES: &str = include_str!("../data/callables.csv");
const GENERATED: &str = include_str!("../data/generated.csv");
const SINKS: &str = include_str!("../data/sinks.csv");
const PYTHON_2: &str = include_str!("../data/python2.csv");

/// What is known of a callable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Importing, calling, building and filling it runs nothing of the file's choosing.
    Inert,
    /// The same as long as its arguments keep the contract.
    InertIf(Contract),
    /// May be imported and handed on, not called.
    Data,
    /// An enumeration: asked for a member by a constant, or a member of it by its name.
    Enum,
}

/// What the arguments of a callable must be for it to be inert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {
    /// Constants and containers of the stream, no large number (which would be a size).
    Plain,
    /// A string and the name of a built-in encoding: `_codecs.encode` of protocols 0 to 2.
    Latin1,
    /// An inert class, and a base that is a built-in type: `copyreg._reconstructor`.
    Reconstructor,
    /// Numbers, as numbers or as texts whose exponent is small: what is computed of them stays small.
    Number,
    /// Whatever is imported among the arguments is inert without a condition, as it may be called.
    InertArgs,
    /// What is held until somebody calls it, and what that call is given: `functools.partial` of something known.
    Held,
    /// An imported name and a constant attribute, judged as an import; or an instance of a class of a library that only
    /// calculates and the name of one of its methods, which is held.
    Attribute,
    /// What numpy makes an empty array of: a class of arrays, which is not called, a small shape and a type.
    Rebuilt,
    /// The last one is a state whose names Python does not look up by itself:
    /// `torch._utils._rebuild_parameter_with_state` sets it as attributes.
    NamedState,
    /// Made without its `__init__`, by `NEWOBJ` or `copyreg`: only the state comes from the file.
    Object,
    /// Made by `NEWOBJ` without arguments: some versions open a file that is named by one (`tokenizers.models.BPE`), or
    /// compute a number of its text (`mpmath.mpf`).
    Bare,
    /// Made as `Bare`, with a state whose second part is the name of a class of C++ that keeps packed weights
    /// (`torch.ScriptObject` of quantised modules).
    Packed,
    /// Made as `Object`, with a state of one part, once, and never filled as a container: its own `append`, `extend`, `add`,
    /// `__setitem__` or the setters of its properties do more than assign, or what its first state holds leads elsewhere what
    /// is looked up for a second one (`attribute_map`, `__validators__` of configurations).
    State,
    /// One of the constants whose type has no name to import: `type(None)`.
    TypeOf,
    /// A name of `typing`, and what it is of: `List[int]` is `operator.getitem(List, int)`.
    Subscript,
    /// What numpy's random generators are made of: a bit generator or its name, and numpy's own maker of it, which is
    /// called with the first.
    Generator,
    /// numpy's own rebuilder of arrays, its arguments and a state: `dill._dill._create_array`.
    Array,
    /// Made as `Object`, with a state whose source text is the one that scipy writes, because `__setstate__` runs
    /// it: `scipy.stats._distn_infrastructure.rv_generic._attach_argparser_methods`.
    Distribution,
    /// Made as `Object`, with a state that asks for no formula to be evaluated again: a formula of patsy is Python
    /// (`statsmodels.base.data.ModelData.__setstate__`).
    Formula,
    /// Made as `Object`, of a series and an order whose second number is not 0: of 0 `statsmodels.tsa.arima_model.ARIMA.__new__`
    /// makes another model, out of what the file says.
    Differenced,
    /// Made as `Object`, with a state that keeps a pickle of its own under `__cuda_dependent_attributes__`, which is looked
    /// into: `skorch.net.NeuralNet.__setstate__` loads it.
    NestedState,
    /// The state of a traced module and its imports, both constants: loading it runs the source in them, which is followed
    /// (`torch.fx.graph_module.reduce_graph_module`).
    Traced,
    /// Made as `Object`, with a state of what figures are made of, none of it to be called but the function of matplotlib by
    /// which pyplot learns that a figure is stale: `matplotlib.figure.Figure.__setstate__` calls that.
    Figure,
    /// A module that the tables know, by its constant name: `dill._dill._import_module`.
    Module,
    /// A module and the constant name of what it has, judged as an import: `dill._dill._get_attr`, which asks the built-ins
    /// where the module has nothing of that name.
    Member,
    /// The name of a type that is no type of code, judged as an import: `dill._dill._load_type`.
    Type,
    /// The names of a module and of what it has, judged as an import: `numpy.core._ufunc_reconstruct`.
    Resolved,
    /// `functools.partial`, and what it is of: `dill._dill._create_ftype`.
    Partial,
    /// The elements of a block of a data frame, its place and how many dimensions it has, not the class of the block, which
    /// would be called: `pandas.core.internals.blocks.new_block`.
    Block,
    /// No folder, and constants: `sklearn.externals.joblib.memory.Memory` makes the folder that it is told.
    Uncached,
    /// Made as `Object`, with a state of texts and numbers: `einops.layers.RearrangeMixin.__setstate__` takes a pattern apart.
    Constants,
    /// Made as `Object`, with the state of a temporary file that is written anew under a name that nobody chooses, or of a file
    /// that is only named: `sklearn_crfsuite._fileresource.FileResource.__setstate__` writes where it is told, and its end
    /// deletes that.
    Temporary,
    /// A vocabulary, exceptions, and methods of patterns: `spacy.tokenizer.Tokenizer` has them look at its exceptions.
    Matches,
    /// An array of numpy alone: TensorFlow asks anything else how it is a tensor.
    Elements,
    /// The name of a named tuple, its fields and its module: `dill._dill._create_namedtuple` imports it, or else makes it.
    NamedTuple,
    /// The text by which Python shows a range, a slice or one of its constants: `dill._dill._eval_repr` evaluates it.
    Shown,
    /// As `Held`, where the argument at this place is the constant bytes of a pickle, which is looked into: spaCy loads it.
    Keeps(usize),
    /// What `numba.core.serialize._unpickle__CustomPickled` made of the bytes of a pickle: `custom_rebuild` has the class in
    /// it make a function of the code in it.
    Dispatcher,
    /// A class and the state that it sets, attribute by attribute, of what dictionaries of tensors keep and not locked:
    /// `tensordict._reductions._make_td`.
    Tensors,
    /// Numbers and other symbols of sympy, no text: sympy evaluates texts where it takes anything.
    Symbolic,
    /// The bytes of a file, or a buffer of them, which is looked into as one: `torch.storage._load_from_bytes`.
    Nested,
    /// Names of attributes, or the name of a method and constants, none of which reaches beyond the object that is asked:
    /// a sort key such as `operator.attrgetter("score")`.
    Getter,
    /// A callable that is inert without a condition, a class, its arguments, and a state as above:
    /// `torch._tensor._rebuild_from_type_v2` calls the first with the third and sets the state.
    Subclass,
}

impl Contract {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "plain" => Self::Plain,
            "differenced" => Self::Differenced,
            "tensors" => Self::Tensors,
            "number" => Self::Number,
            "latin1" => Self::Latin1,
            "reconstructor" => Self::Reconstructor,
            "inert-args" => Self::InertArgs,
            "held" => Self::Held,
            "attribute" => Self::Attribute,
            "rebuilt" => Self::Rebuilt,
            "named-state" => Self::NamedState,
            "subclass" => Self::Subclass,
            "object" => Self::Object,
            "bare" => Self::Bare,
            "packed" => Self::Packed,
            "state" => Self::State,
            "array" => Self::Array,
            "generator" => Self::Generator,
            "type-of" => Self::TypeOf,
            "subscript" => Self::Subscript,
            "nested" => Self::Nested,
            "traced" => Self::Traced,
            "symbolic" => Self::Symbolic,
            "nested-state" => Self::NestedState,
            "distribution" => Self::Distribution,
            "formula" => Self::Formula,
            "getter" => Self::Getter,
            "figure" => Self::Figure,
            "shown" => Self::Shown,
            "module" => Self::Module,
            "member" => Self::Member,
            "type" => Self::Type,
            "resolved" => Self::Resolved,
            "partial" => Self::Partial,
            "block" => Self::Block,
            "named-tuple" => Self::NamedTuple,
            "uncached" => Self::Uncached,
            "elements" => Self::Elements,
            "matches" => Self::Matches,
            "constants" => Self::Constants,
            "temporary" => Self::Temporary,
            "dispatcher" => Self::Dispatcher,
            "keeps-0" => Self::Keeps(0),
            "keeps-1" => Self::Keeps(1),
            "keeps-4" => Self::Keeps(4),
            _ => return None,
        })
    }

    /// What the finding says of a call of `name` that breaks the contract.
    pub fn broken_by(self, name: &str) -> String {
        format!("loading it calls {name} with something else than {}", self.wants())
    }

    fn wants(self) -> &'static str {
        match self {
            Self::Plain => "plain constants",
            Self::Number => "numbers without a large exponent",
            Self::Latin1 => "a string and a built-in encoding",
            Self::Reconstructor => "an inert class and a built-in base",
            Self::InertArgs => "arguments that are harmless even when called",
            Self::Held => "callables that are known, and constants",
            Self::Attribute => {
                "an imported name and a constant attribute, or a method of an instance that only calculates"
            }
            Self::Rebuilt => "a class of arrays and a small shape",
            Self::NamedState => "a state of plain attribute names",
            Self::Object | Self::State => "what picklers write: an empty instance and its state",
            Self::Tensors => "a class and the state of a dictionary of tensors",
            Self::Differenced => "a series and an order that differences it",
            Self::Bare | Self::Packed => "nothing",
            Self::Generator => "a bit generator and numpy's maker of it",
            Self::TypeOf => "None, Ellipsis or NotImplemented",
            Self::Subscript => "a name of typing and a type",
            Self::Array => "what rebuilds an array of numpy, its arguments and its state",
            Self::Distribution => "the state of one of scipy's distributions",
            Self::Formula => "a state without a formula to evaluate again",
            Self::Nested => "the constant bytes of a file",
            Self::Traced => "constant source text",
            Self::Symbolic => "numbers and symbols",
            Self::Getter => "names of ordinary attributes",
            Self::Figure => "an empty figure and its state",
            Self::NamedTuple => "the constant names of a tuple, its fields and its module",
            Self::Uncached => "no folder and constants",
            Self::Elements => "an array",
            Self::Constants => "an empty instance and a state of texts and numbers",
            Self::Temporary => "an empty instance and the state of a temporary file",
            Self::Matches => "a vocabulary, exceptions and methods of patterns",
            Self::Module => "the constant name of a module that is known",
            Self::Member => "a module and the constant name of what it has",
            Self::Type => "the constant name of a type",
            Self::Resolved => "the constant names of a module and of what it has",
            Self::Partial => "a partial function of what is known",
            Self::Block => "elements, their place and how many dimensions they have",
            Self::Shown => "the text of a range or a constant",
            Self::Keeps(_) => "harmless arguments and the constant bytes of a pickle",
            Self::Dispatcher => "what numba unpickled of constant bytes",
            Self::NestedState => "a state whose own pickle is constant bytes",
            Self::Subclass => "an inert function, a class, arguments and a state of plain attribute names",
        }
    }
}

/// The tables.
#[derive(Debug, Clone)]
pub struct Tables {
    /// What was reviewed. What was generated is too much to take apart at each start: it is sorted, and searched where it lies.
    reviewed: HashMap<(&'static str, &'static str), Effect>,
    sinks: HashMap<&'static str, Vec<(&'static str, &'static str)>>,
}

static BUILT_IN: LazyLock<Tables> = LazyLock::new(|| {
    let rows = |text: &'static str| text.lines().filter(|l| !l.starts_with('#'));
    let mut tables = Tables { reviewed: HashMap::new(), sinks: HashMap::new() };
    tables.reviewed.extend(rows(CALLABLES).filter_map(row));
    for line in rows(SINKS) {
        if let [kind, module, name] = line.split(',').collect::<Vec<_>>()[..] {
            tables.sinks.entry(module).or_default().push((name, kind));
        }
    }
    tables
});

/// What a line says of a callable.
fn row(line: &'static str) -> Option<((&'static str, &'static str), Effect)> {
    let mut cells = line.split(',');
    let (module, name, effect, contract) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let effect = match effect {
        "inert" => Effect::Inert,
        "data" => Effect::Data,
        "enum" => Effect::Enum,
        "if" => Effect::InertIf(Contract::parse(contract)?),
        _ => return None,
    };
    cells.next().is_none().then_some(((module, name), effect))
}

/// A line that begins with `key` of a table whose lines are sorted.
fn line_with(table: &'static str, key: &str) -> Option<&'static str> {
    let (mut low, mut high) = (0, table.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let before = table.as_bytes().get(low..middle)?.iter().rposition(|b| *b == b'\n');
        let start = before.map_or(low, |at| low + at + 1);
        let after = table.as_bytes().get(middle..high)?.iter().position(|b| *b == b'\n');
        let end = after.map_or(high, |at| middle + at);
        let line = table.get(start..end)?;
        if line.starts_with(key) {
            return Some(line);
        }
        if line < key {
            low = end + 1;
        } else {
            high = start;
        }
    }
    None
}

/// Built-in types whose methods work on their values and nothing else: `tokenizer=str.split`. `str.format` walks attributes.
fn has_plain_methods(class: &str) -> bool {
    matches!(class, "str" | "bytes" | "int" | "float" | "list" | "tuple" | "dict" | "set" | "frozenset")
}

impl Tables {
    /// The tables this crate ships.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// The same without the table of sinks: what is left must still call nothing harmful clean.
    #[cfg(test)]
    pub fn without_sinks() -> Self {
        Self { reviewed: BUILT_IN.reviewed.clone(), sinks: HashMap::new() }
    }

    /// What is known of `module.name`.
    pub fn effect(&self, module: &str, name: &str) -> Option<Effect> {
        self.stated(module, name).or_else(|| {
            let (class, member) = name.rsplit_once('.').filter(|(_, member)| !member.starts_with('_'))?;
            if module == "builtins" && has_plain_methods(class) && !member.starts_with("format") {
                return Some(Effect::Data);
            }
            (self.stated(module, class) == Some(Effect::Enum)).then_some(Effect::Data)
        })
    }

    /// What a row says of `module.name`.
    fn stated(&self, module: &str, name: &str) -> Option<Effect> {
        // The map's key type is shortened from 'static to the lifetime of the question.
        let reviewed: &HashMap<(&str, &str), Effect> = &self.reviewed;
        reviewed.get(&(module, name)).copied().or_else(|| {
            let (key, effect) = row(line_with(GENERATED, &format!("{module},{name},"))?)?;
            (key == (module, name)).then_some(effect)
        })
    }

    /// What harm `module.name` does, if it is a known sink. Follows dots of the name, and takes a private
    /// twin of a module (`_io`) for the module.
    pub fn sink(&self, module: &str, name: &str) -> Option<&'static str> {
        let full = format!("{module}.{name}");
        let parts: Vec<&str> = full.split('.').collect();
        // Every split of the dotted path into module and name, and every attribute as a module of its own: a
        // chain such as `collections:_sys.modules.get` walks through other modules.
        let attributes = module.split('.').count();
        std::iter::once(0).chain(attributes..parts.len()).find_map(|start| {
            (start + 1..parts.len()).find_map(|end| {
                let (owner, attribute) = (parts.get(start..end)?.join("."), parts.get(end)?);
                let names = self.sinks.get(owner.as_str());
                let names = names.or_else(|| self.sinks.get(owner.trim_start_matches('_')))?;
                names.iter().find(|(n, _)| matches(n, attribute)).map(|(_, k)| *k)
            })
        })
    }

    /// Whether anything is known of any module of a package.
    pub fn knows_package(&self, package: &str) -> bool {
        let within = |module: &str| {
            module.strip_prefix(package).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.reviewed.keys().any(|(module, _)| within(module))
            || self.sinks.keys().any(|module| within(module))
            || [",", "."].iter().any(|end| line_with(GENERATED, &format!("{package}{end}")).is_some())
    }

    /// Whether any table knows the module at all.
    pub fn knows_module(&self, module: &str) -> bool {
        self.reviewed.keys().any(|(m, _)| *m == module)
            || line_with(GENERATED, &format!("{module},")).is_some()
            || self.sinks.contains_key(module)
            || module.split('.').next().is_some_and(|top| self.sinks.contains_key(top))
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}

/// The version of the tables: changes exactly when they do.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let mut hasher = Hasher::with_domain("proofhouse.scan-tables.v1");
        let formats = [
            include_str!("../data/keras.csv"),
            include_str!("../data/paddle.csv"),
            include_str!("../data/tensorflow.csv"),
        ];
        let source = [crate::python::TABLE, crate::python::MODULES];
        for table in [CALLABLES, GENERATED, SINKS, PYTHON_2].iter().chain(&source).chain(&formats) {
            hasher.field(table.as_bytes());
        }
        format!("1+{}", hasher.finish().short())
    });
    &VERSION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_understood() {
        let rows = |text: &'static str| text.lines().filter(|l| !l.starts_with('#'));
        assert_eq!(Tables::built_in().reviewed.len(), rows(CALLABLES).count());
        for line in rows(GENERATED) {
            let ((module, name), effect) = row(line).unwrap();
            assert_eq!(Tables::built_in().effect(module, name), Some(effect), "{line}");
        }
        for (module, name) in
            [("", ""), ("zzz", "Z"), ("sklearn.pipeline", "Pipelin"), ("sklearn.pipeline", "P,i")]
        {
            assert_eq!(Tables::built_in().effect(module, name), None);
        }
        assert!(SINKS.lines().filter(|l| !l.starts_with('#')).all(|l| l.split(',').count() == 3));
    }

    #[test]
    fn the_generated_table_can_be_searched() {
        let lines: Vec<_> = GENERATED.lines().collect();
        assert!(lines.windows(2).all(|pair| pair[0] < pair[1] || pair[0].starts_with('#')));
    }

    #[test]
    fn no_table_overrules_another() {
        let named = |text: &'static str| {
            let rows = text.lines().filter(|l| !l.starts_with('#'));
            rows.filter_map(|l| l.rsplitn(3, ',').nth(2)).collect::<Vec<_>>()
        };
        let (reviewed, generated) = (named(CALLABLES), named(GENERATED));
        let mut seen = std::collections::HashSet::new();
        let twice: Vec<_> = reviewed.iter().chain(&generated).filter(|name| !seen.insert(**name)).collect();
        assert!(twice.is_empty(), "these stand twice; strike one row of each: {twice:?}");
    }

    #[test]
    fn what_one_version_refuses_no_other_brings_back() {
        let named = |text: &'static str, behind: usize| {
            let rows = text.lines().filter(|l| !l.starts_with('#'));
            rows.filter_map(|l| if behind == 0 { Some(l) } else { l.rsplitn(behind + 1, ',').nth(behind) })
                .collect::<std::collections::HashSet<_>>()
        };
        let refused = named(include_str!("../data/refused.csv"), 0);
        assert!(refused.len() > 1_000);
        for table in [GENERATED, CALLABLES] {
            let back: Vec<_> = named(table, 2).intersection(&refused).copied().collect();
            assert!(back.is_empty(), "refused of some version: {back:?}");
        }
    }

    #[test]
    fn nothing_inert_is_a_sink() {
        let tables = Tables::built_in();
        let rows = CALLABLES.lines().chain(GENERATED.lines()).filter_map(row);
        for ((module, name), effect) in rows {
            // Harmless for some arguments, and harmful where another format holds it by itself; and what only names
            // something in a module of the network or of signals.
            if matches!(
                effect,
                Effect::InertIf(
                    Contract::TypeOf
                        | Contract::Traced
                        | Contract::Getter
                        | Contract::Member
                        | Contract::Module
                        | Contract::NamedTuple
                ) | Effect::Enum
            ) || module == "urllib.parse" && name.ends_with("Result")
                || module == "urllib.parse" && name.ends_with("ResultBytes")
                // What describes the arguments of a function.
                || module == "inspect" && matches!(name, "_empty" | "Parameter" | "Signature")
            {
                continue;
            }
            assert_eq!(tables.sink(module, name), None, "{module}.{name}");
        }
    }

    #[test]
    fn sinks_are_found_through_submodules_and_dots() {
        let tables = Tables::built_in();
        assert!(tables.sink("idlelib.run", "Executive.runcode").is_some());
        assert!(tables.sink("collections", "_sys.modules.get").is_some());
        assert!(tables.sink("_io", "FileIO").is_some());
        assert!(tables.sink("os", "execvp").is_some());
        assert!(tables.sink("mypackage", "Model").is_none());
    }
}
