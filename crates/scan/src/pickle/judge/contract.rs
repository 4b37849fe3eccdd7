//! Whether the arguments of a call keep the contract of what is called.

use std::borrow::Cow;

use super::super::fold;
use super::super::machine::Machine;
use super::super::value::{Global, Node, Value};
use super::plain::{is_shown, plain, plain_names, small_number};
use super::{Judge, reach, resources};
use crate::tables::{Contract, Effect};
use crate::torch_classes;

impl Judge<'_> {
    /// Whether `args` are what the contract wants of a call by the opcode `by`.
    pub(super) fn keeps(&self, machine: &Machine<'_>, contract: Contract, args: Value, by: &str) -> bool {
        let Some(args) = machine.tuple(args) else { return false };
        match contract {
            Contract::Number => args.iter().all(|a| small_number(machine, *a)),
            Contract::Plain => args.iter().all(|a| plain(machine, *a)),
            Contract::Object
            | Contract::State
            | Contract::Distribution
            | Contract::Figure
            | Contract::Constants
            | Contract::Temporary
            | Contract::Formula
            | Contract::NestedState => by.starts_with("NEWOBJ"),
            Contract::Differenced => {
                let order = args.get(1).and_then(|order| machine.tuple(*order));
                by.starts_with("NEWOBJ")
                    && matches!(order, Some([_, Value::Int(times), _]) if *times != 0)
                    && args.get(2..).is_some_and(|rest| rest.iter().all(|arg| self.holdable(machine, *arg)))
            }
            Contract::Tensors => match args {
                [class, state] => {
                    machine.global(*class).is_some_and(|g| g.qualified() == "tensordict._td.TensorDict")
                        && super::containers::are_tensors(machine, *state)
                }
                _ => false,
            },
            Contract::Bare | Contract::Packed => by.starts_with("NEWOBJ") && args.is_empty(),
            Contract::Generator => match args {
                [] => true,
                [of, makers @ ..] => {
                    machine.global(*of).is_none()
                        && makers.iter().all(|maker| {
                            machine
                                .global(*maker)
                                .is_some_and(|g| g.module.as_deref() == Some("numpy.random._pickle"))
                        })
                }
            },
            Contract::TypeOf => match args {
                [Value::None] => true,
                [of] => machine.global(*of).is_some_and(|g| {
                    g.module.as_deref() == Some("builtins")
                        && matches!(g.name.as_deref(), Some("Ellipsis" | "NotImplemented"))
                }),
                _ => false,
            },
            Contract::Subscript => match args {
                // A text is compiled, save as a literal.
                [of, what] => {
                    machine.global(*of).is_some_and(|g| {
                        g.module.as_deref() == Some("typing")
                            && (machine.text(*what).is_none() || g.name.as_deref() == Some("Literal"))
                    }) && self.effect(machine, *of) == Some(Effect::Data)
                }
                _ => false,
            },
            Contract::Array => match args {
                [rebuild, of, state, rest @ ..] => {
                    machine.global(*rebuild).is_some_and(rebuilds)
                        && self.keeps(machine, Contract::InertArgs, *of, by)
                        && machine.tuple(*state).is_some()
                        && rest.iter().all(|names| plain_names(machine, *names))
                }
                _ => false,
            },
            Contract::Symbolic => {
                by.starts_with("NEWOBJ") && args.iter().all(|arg| self.is_expression(machine, *arg, 2))
            }
            Contract::Getter => {
                let [first, rest @ ..] = args else { return false };
                machine.text(*first).is_some_and(|name| !reach::reaches(&name))
                    && rest.iter().all(|arg| match machine.text(*arg) {
                        Some(name) => !reach::reaches(&name),
                        None => plain(machine, *arg),
                    })
            }
            Contract::NamedTuple => match args {
                [name, fields, module, defaults @ ..] => {
                    machine.text(*name).is_some_and(|name| !name.contains('.'))
                        && machine.text(*module).is_some()
                        && plain(machine, *fields)
                        && defaults.iter().all(|value| plain(machine, *value))
                }
                _ => false,
            },
            Contract::Module => match args {
                [path] => machine
                    .text(*path)
                    .is_some_and(|path| self.tables.knows_module(path.split('.').next().unwrap_or_default())),
                _ => false,
            },
            Contract::Member => match args {
                [of, name] => {
                    let module = matches!(machine.node(*of), Some(Node::Module(_)));
                    let by_text = machine.text(*of).is_some_and(|module| !module.contains('.'));
                    (module || by_text && machine.text(*name).is_some_and(|name| !fold::is_of_text(&name)))
                        && machine.text(*name).is_some_and(|name| {
                            !name.contains('.') && self.tables.sink("builtins", &name).is_none()
                        })
                }
                _ => false,
            },
            Contract::Partial => match args {
                [of, function, positional, named] => {
                    machine.global(*of).is_some_and(fold::is_partial)
                        && self.holdable(machine, *function)
                        && [*positional, *named].iter().all(|held| self.holds(machine, *held))
                }
                _ => false,
            },
            Contract::Block => match args {
                [values, place, rank @ ..] => {
                    let rank_only = |value: &Value| match machine.dict(*value) {
                        Some(([], true)) => true,
                        Some(([name, rank], true)) => {
                            machine.text(*name).as_deref() == Some("ndim") && plain(machine, *rank)
                        }
                        Some(_) => false,
                        None => matches!(value, Value::Int(_)),
                    };
                    [*values, *place].iter().all(|arg| self.inert_when_called(machine, *arg, DEPTH))
                        && rank.len() <= 1
                        && rank.iter().all(rank_only)
                }
                _ => false,
            },
            Contract::Uncached => {
                args.first() == Some(&Value::None) && args.iter().all(|a| plain(machine, *a))
            }
            Contract::Matches => resources::are_matches(machine, args),
            Contract::Elements => matches!(args, [of] if super::containers::is_plain_array(machine, *of)),
            Contract::Type => match args {
                [name] => machine.text(*name).is_some_and(|name| fold::plain_type(&name).is_some()),
                _ => false,
            },
            Contract::Resolved => args.len() == 2 && args.iter().all(|name| machine.text(*name).is_some()),
            Contract::Shown => match args {
                [text] => machine.text(*text).is_some_and(|text| is_shown(&text)),
                _ => false,
            },
            Contract::Keeps(place) => {
                args.get(place).is_some_and(|kept| machine.bytes_of(*kept).is_some())
                    && args.iter().all(|held| self.holdable(machine, *held))
            }
            Contract::Dispatcher => match args {
                [made] => machine.node(*made).is_some_and(|made| {
                    matches!(made, Node::Called { callee, .. } if machine.global(*callee).is_some_and(|global| {
                        global.qualified() == "numba.core.serialize._unpickle__CustomPickled"
                    }))
                }),
                _ => false,
            },
            Contract::Traced => traced(machine, args).is_some(),
            Contract::Nested => match args {
                [of] => {
                    machine.bytes_of(*of).is_some()
                        || is_buffer(machine, *of)
                        || elements(machine, *of).is_some()
                }
                _ => false,
            },
            Contract::Latin1 => match args {
                [text, encoding] => {
                    let encoding = machine.text(*encoding);
                    matches!(text, Value::Text(..))
                        && matches!(encoding.as_deref(), Some("latin1" | "latin-1" | "utf-8" | "ascii"))
                }
                _ => false,
            },
            Contract::Reconstructor => match args {
                [class, base, _state] => {
                    let base = machine.global(*base);
                    let inert =
                        matches!(self.effect(machine, *class), Some(Effect::Inert | Effect::InertIf(_)));
                    // `base.__init__(obj, state)` runs; these built-ins keep it to copying a value.
                    let builtin = base.is_some_and(|b| {
                        b.module.as_deref() == Some("builtins")
                            && matches!(
                                b.name.as_deref(),
                                Some(
                                    "object"
                                        | "list"
                                        | "dict"
                                        | "tuple"
                                        | "set"
                                        | "frozenset"
                                        | "int"
                                        | "float"
                                        | "str"
                                )
                            )
                    });
                    // What is unknown about the class was reported when it was imported.
                    let reported = machine.global(*class).is_some() && self.effect(machine, *class).is_none();
                    builtin && (inert || reported)
                }
                _ => false,
            },
            Contract::InertArgs => args.iter().all(|a| self.inert_when_called(machine, *a, DEPTH)),
            Contract::Held => {
                args.iter().all(|a| self.holdable(machine, *a))
                    && args.split_first().is_none_or(|(of, rest)| !self.opens(machine, *of, rest))
            }
            Contract::Rebuilt => match args {
                [class, shape, kind @ ..] => {
                    // A mapped file is pickled as what was in it.
                    let arrays = machine.global(*class).is_some_and(|g| g.qualified() == "numpy.memmap")
                        || self.effect(machine, *class) == Some(Effect::InertIf(Contract::State))
                        || self.inert_when_called(machine, *class, 0);
                    arrays && plain(machine, *shape) && kind.iter().all(|kind| plain(machine, *kind))
                }
                _ => false,
            },
            Contract::Attribute => match args {
                [owner, attribute] => match machine.global(*owner) {
                    Some(_) => matches!(attribute, Value::Text(..)),
                    None => self.is_method(machine, *owner, *attribute),
                },
                _ => super::dill::asks_for_setattr(machine, args),
            },
            Contract::NamedState => args.last().is_some_and(|state| plain_names(machine, *state)),
            Contract::Subclass => match args {
                [rebuild, class, _, state] => {
                    matches!(self.effect(machine, *rebuild), Some(Effect::Inert))
                        && machine.global(*class).is_some()
                        && plain_names(machine, *state)
                }
                _ => false,
            },
        }
    }
}

impl Judge<'_> {
    /// Whether a value may be called by what gets it: it is nothing to call, or inert without a condition.
    fn inert_when_called(&self, machine: &Machine<'_>, value: Value, depth: u32) -> bool {
        match machine.node(value) {
            Some(Node::Global(g)) => match self.effect(machine, value) {
                // A dictionary of dictionaries is `defaultdict(partial(defaultdict, int))`.
                Some(Effect::InertIf(Contract::InertArgs)) => g.name.as_deref() == Some("defaultdict"),
                // Not the classes whose state is compared: what makes an instance of its argument would hide them.
                Some(Effect::Inert | Effect::InertIf(Contract::Plain | Contract::Object)) => true,
                Some(Effect::Data | Effect::Enum | Effect::InertIf(_)) => false,
                // Reported when it was imported.
                None => true,
            },
            Some(Node::Unknown | Node::Persistent(_)) => false,
            Some(Node::Called { callee, args, state, .. }) => match self.effect(machine, *callee) {
                // What is held is called with what it holds.
                Some(Effect::InertIf(Contract::Held)) => {
                    let held = [Some(*args), *state].into_iter().flatten();
                    let parts: Vec<&Value> = held
                        .flat_map(|part| machine.tuple(part).unwrap_or_default())
                        .take(BREADTH + 1)
                        .collect();
                    depth > 0
                        && parts.len() <= BREADTH
                        && parts.iter().all(|part| self.inert_when_called(machine, **part, depth - 1))
                }
                Some(Effect::InertIf(Contract::Attribute | Contract::Getter | Contract::Member)) => false,
                _ => true,
            },
            _ => true,
        }
    }

    /// Whether sympy makes an expression of a value without evaluating a text: numbers, symbols, and tuples of them, such as
    /// the limits of an integral.
    fn is_expression(&self, machine: &Machine<'_>, value: Value, depth: u32) -> bool {
        /// Tuples that hold one another many times over take no longer.
        const MOST: usize = 64;
        let within = |parts: &[Value]| {
            depth > 0
                && parts.len() <= MOST
                && parts.iter().all(|part| self.is_expression(machine, *part, depth - 1))
        };
        match value {
            Value::Int(n) => n.unsigned_abs() < 1 << 24,
            Value::Node(_) => match machine.node(value) {
                // What sympy takes for an expression evaluates the texts in it.
                Some(Node::Dict(items)) => items.kept.is_empty(),
                _ if machine.tuple(value).is_some() => machine.tuple(value).is_some_and(within),
                _ => super::made_of(machine, value).is_some_and(|class| {
                    self.effect(machine, class) == Some(Effect::InertIf(Contract::Symbolic))
                        || machine
                            .global(class)
                            .is_some_and(|g| g.module.as_deref() == Some("sympy.core.symbol"))
                }),
            },
            Value::Text(..) | Value::Bytes(_) => false,
            Value::None | Value::Bool(_) | Value::Number => true,
        }
    }

    /// Whether a value may be held by what somebody calls later: nothing imported in it reaches beyond what it is given.
    fn holdable(&self, machine: &Machine<'_>, value: Value) -> bool {
        match machine.node(value) {
            Some(Node::Global(_)) => match self.effect(machine, value) {
                Some(Effect::InertIf(contract)) => matches!(
                    contract,
                    Contract::Plain
                        | Contract::Number
                        | Contract::Object
                        | Contract::State
                        | Contract::InertArgs
                        | Contract::Held
                        | Contract::Block
                        | Contract::Generator
                ),
                // What is unknown was reported when it was imported.
                Some(Effect::Inert | Effect::Data | Effect::Enum) | None => true,
            },
            Some(Node::Unknown | Node::Persistent(_)) => false,
            _ => true,
        }
    }

    /// Whether a tuple or a mapping holds nothing but what may be held.
    fn holds(&self, machine: &Machine<'_>, value: Value) -> bool {
        let parts = match machine.dict(value) {
            Some((items, true)) => items,
            Some(_) => return false,
            None => machine.tuple(value).unwrap_or_default(),
        };
        (machine.dict(value).is_some() || machine.tuple(value).is_some() || value == Value::None)
            && parts.iter().all(|part| self.holdable(machine, *part))
    }

    /// Whether the state of a partial is the one that Python writes: of the function that it was made of, and with arguments
    /// that it may hold.
    pub(super) fn is_held(&self, machine: &Machine<'_>, target: Value, state: Value) -> bool {
        let Some(Node::Called { args, .. }) = machine.node(target) else { return false };
        let function = machine.tuple(*args).and_then(|args| args.first().copied());
        let (Some(function), Some([of, positional, named, attributes])) = (function, machine.tuple(state))
        else {
            return false;
        };
        let same =
            *of == function || machine.global(*of).is_some_and(|g| Some(g) == machine.global(function));
        let named_values = *named;
        let named = match machine.dict(*named) {
            Some((items, whole)) => whole && items.iter().all(|value| self.holdable(machine, *value)),
            None => *named == Value::None,
        };
        let positional = machine.tuple(*positional).unwrap_or(&[Value::None]);
        let values: Vec<Value> = machine
            .dict(named_values)
            .map_or(&[][..], |(items, _)| items)
            .chunks(2)
            .filter_map(|pair| pair.get(1).copied())
            .chain(positional.iter().copied())
            .collect();
        same && named
            && !self.opens(machine, function, &values)
            && positional.iter().all(|value| self.holdable(machine, *value))
            && (*attributes == Value::None || plain_names(machine, *attributes))
    }

    /// Whether a class that is inert only as an object is held with the path or the address of a file: its `__init__`, which
    /// nobody has shown to be harmless, would open it when something calls what is held.
    fn opens(&self, machine: &Machine<'_>, of: Value, args: &[Value]) -> bool {
        matches!(self.effect(machine, of), Some(Effect::InertIf(_)))
            && args
                .iter()
                .any(|arg| machine.text(*arg).is_some_and(|text| text.contains(['/', '\\', ':', '.'])))
    }

    /// Whether `getattr` asks an instance of a library that only calculates for an ordinary method: how Python pickles a
    /// method of an object, to be held by another.
    fn is_method(&self, machine: &Machine<'_>, owner: Value, name: Value) -> bool {
        let own: &[&str] = match machine.node(owner) {
            // How matplotlib has a line take itself off the list of its axes.
            Some(Node::List(_)) => &["append", "count", "extend", "index", "insert", "pop", "remove"],
            Some(Node::Dict(_)) => &["get", "items", "keys", "pop", "setdefault", "update", "values"],
            Some(Node::Set) => &["add", "discard", "remove", "update"],
            _ if super::made_of(machine, owner)
                .is_some_and(|of| machine.global(of).is_some_and(resources::compiles)) =>
            {
                &resources::MATCHES
            }
            _ => &[],
        };
        if machine.text(name).is_some_and(|name| own.contains(&&*name)) {
            return true;
        }
        let known = matches!(
            super::made_of(machine, owner).and_then(|class| self.effect(machine, class)),
            Some(Effect::Inert | Effect::InertIf(_))
        );
        let calculates = super::made_of(machine, owner)
            .and_then(|class| machine.global(class)?.module.as_deref())
            .is_some_and(|module| {
                CALCULATE.iter().any(|home| {
                    module.strip_prefix(home).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                })
            });
        // Hooks that see to it that weights of another shape are taken.
        let hook = |name: &str| matches!(name, "_load_state_hook_ignore_shapes" | "_load_strict_shapes");
        known
            && calculates
            && machine.text(name).is_some_and(|name| {
                hook(&name) || !name.contains('.') && !name.starts_with("__") && !reach::reaches(&name)
            })
    }
}

/// How deep what is held lies in what is held, and how much of it lies side by side: partials that hold one another many
/// times over take no longer.
const DEPTH: u32 = 3;
const BREADTH: usize = 16;

/// Libraries whose objects, once they are made, calculate with what they are given.
const CALCULATE: [&str; 18] = [
    "formulaic",
    "gensim",
    "gpytorch",
    "hmmlearn",
    "imblearn",
    "lifelines",
    "linear_operator",
    "matplotlib",
    "networkx",
    "scipy",
    "shap",
    "sklearn",
    "spacy",
    "statsmodels",
    "thinc",
    "torch.nn",
    "torch.optim.lr_scheduler",
    "xgboost",
];

/// Whether an instance of `contract` takes `state` without more than assigning: none of two parts, and an expression none at
/// all, as its arguments would be texts that sympy evaluates.
pub(super) fn takes(machine: &Machine<'_>, contract: Contract, state: Value) -> bool {
    match contract {
        Contract::Symbolic => matches!(machine.dict(state), Some((items, true)) if items.is_empty()),
        _ => match machine.node(state) {
            // An instance of a tuple's subclass has two parts as well.
            Some(Node::Called { callee, .. }) => machine.global(*callee).is_some_and(|maker| {
                let module = maker.module.as_deref().unwrap_or_default();
                module == "_codecs" || (module.starts_with("numpy.") && module.ends_with("core.multiarray"))
            }),
            _ => !matches!(machine.tuple(state), Some([_, slots]) if !matches!(slots, Value::None)),
        },
    }
}

/// Whether it is numpy's own maker of arrays.
pub(super) fn rebuilds(maker: &Global) -> bool {
    let place = maker.module.as_deref().and_then(|module| module.strip_prefix("numpy."));
    maker.name.as_deref() == Some("_reconstruct")
        && matches!(
            place.and_then(|place| place.trim_start_matches('_').strip_prefix("core.")),
            Some("multiarray" | "_multiarray_umath")
        )
}

/// Whether an array of a class of its own takes what it keeps beside its elements for that, as `astropy.units.Quantity` does:
/// not what tells of it as a column of a table, which is copied and asked for its methods.
pub(super) fn is_array(machine: &Machine<'_>, target: Value, state: Value) -> bool {
    let Some(Node::Called { callee, .. }) = machine.node(target) else { return false };
    let Some([elements, own]) = machine.tuple(state) else { return false };
    let Some((names, true)) = machine.dict(*own) else { return false };
    machine.global(*callee).is_some_and(rebuilds)
        && machine.tuple(*elements).is_some()
        && names.iter().step_by(2).all(|name| machine.text(*name).is_some_and(|name| name != "info"))
}

/// The source that loading a traced module runs: its imports, the function of its graph, and a call of it, because the
/// graph is traced anew.
pub(super) fn traced(machine: &Machine<'_>, args: &[Value]) -> Option<String> {
    let [body, imports] = args else { return None };
    let (items, true) = machine.dict(*body)? else { return None };
    let code = |key: &str| {
        let count = items.iter().step_by(2).filter(|k| machine.text(**k).as_deref() == Some(key)).count();
        if count == 1 { machine.text(machine.entry(*body, key)?) } else { None }
    };
    let code = code("_code").or_else(|| code("code"))?;
    // A module and tensors stand for what the graph is traced with.
    let call = format!("import torch\nforward(torch.nn.Module(){})", ", torch.zeros(1)".repeat(8));
    Some(format!("{}\n{code}\n{call}\n", machine.text(*imports)?))
}

/// The bytes that a buffer in memory was given: `BytesIO(b"…")`, or the state that Python writes of one.
fn buffered<'m>(machine: &'m Machine<'_>, buffer: Value) -> Option<Cow<'m, [u8]>> {
    let Some(Node::Called { args, state, .. }) = machine.node(buffer) else { return None };
    let made = machine.tuple(*args).and_then(|args| args.first());
    machine.raw(*made.or_else(|| state.and_then(|state| machine.tuple(state)?.first()))?)
}

/// The bytes that an array or a buffer holds.
pub(super) fn kept<'m>(machine: &'m Machine<'_>, value: Value) -> Option<Cow<'m, [u8]>> {
    elements(machine, value).or_else(|| buffered(machine, value))
}

/// The constant bytes of an array of numpy, which Keras 2 keeps a file in; joblib writes them behind it.
fn elements<'m>(machine: &'m Machine<'_>, array: Value) -> Option<Cow<'m, [u8]>> {
    let Some(Node::Called { callee, state: Some(state), .. }) = machine.node(array) else { return None };
    if let Some(behind) = machine.arrays.iter().rev().find(|raw| raw.of == array) {
        return machine.slice(behind.range.clone()).map(Cow::Borrowed);
    }
    if !machine.global(*callee).is_some_and(rebuilds) {
        return None;
    }
    match machine.tuple(*state)? {
        [_, _, _, _, elements] => machine.raw(*elements),
        _ => None,
    }
}

/// Whether a value is such a buffer, of constant bytes.
fn is_buffer(machine: &Machine<'_>, value: Value) -> bool {
    super::made_of(machine, value).is_some_and(|class| {
        machine.global(class).is_some_and(|class| {
            matches!(class.module.as_deref(), Some("_io" | "io")) && class.name.as_deref() == Some("BytesIO")
        })
    }) && buffered(machine, value).is_some()
}

/// Whether the state of an object of TorchScript is one of those, by its name: torch makes what is registered under it.
pub(super) fn is_packed(machine: &Machine<'_>, state: Value) -> bool {
    let Some([_, name]) = machine.tuple(state) else { return false };
    machine.text(*name).is_some_and(|name| torch_classes::keeps_weights(&name))
}
