//! Operators of torch: what they are called in ONNX, and what they do to wires.

use super::value::{Value, What};
use super::{Frame, MOST_ELEMENTS, Machine, sizes};

/// Operators whose result is a view of their first input.
const VIEWS: [&str; 26] = [
    "alias",
    "as_strided",
    "broadcast_to",
    "detach",
    "diagonal",
    "expand",
    "expand_as",
    "flatten",
    "movedim",
    "narrow",
    "permute",
    "reshape",
    "select",
    "slice",
    "squeeze",
    "swapaxes",
    "t",
    "transpose",
    "unflatten",
    "unfold",
    "unsqueeze",
    "view",
    "view_as",
    "sparse_coo_tensor",
    "sparse_csr_tensor",
    "_sparse_coo_tensor_unsafe",
];

/// What is said of a value, not what it holds.
const SAID: [&str; 16] = [
    "size",
    "numel",
    "dim",
    "len",
    "shape",
    "device",
    "dtype",
    "is_cuda",
    "ndim",
    "__is__",
    "__isnot__",
    "is_floating_point",
    "requires_grad",
    "format",
    "is_grad_enabled",
    "get_device",
];

/// The name in ONNX of an operator of torch, and how many of its arguments are values.
fn known(name: &str) -> Option<(&'static str, usize)> {
    Some(match name {
        "eq" | "isclose" => ("Equal", 2),
        "ne" | "not_equal" => ("NotEqual", 2),
        "lt" | "less" => ("Less", 2),
        "le" | "less_equal" => ("LessOrEqual", 2),
        "gt" | "greater" => ("Greater", 2),
        "ge" | "greater_equal" => ("GreaterOrEqual", 2),
        "all" => ("ReduceMin", 1),
        "any" => ("ReduceMax", 1),
        "sum" | "nansum" => ("ReduceSum", 1),
        "mean" | "nanmean" => ("ReduceMean", 1),
        "prod" => ("ReduceProd", 1),
        "amax" => ("ReduceMax", 1),
        "amin" => ("ReduceMin", 1),
        "norm" | "vector_norm" | "linalg_vector_norm" => ("ReduceL2", 1),
        "count_nonzero" => ("ReduceSum", 1),
        "logical_and" | "bitwise_and" | "__and__" | "and" => ("And", 2),
        "logical_or" | "bitwise_or" | "__or__" | "or" => ("Or", 2),
        "logical_xor" | "bitwise_xor" | "__xor__" => ("Xor", 2),
        "logical_not" | "bitwise_not" | "__not__" => ("Not", 1),
        "add" => ("Add", 2),
        "sub" | "subtract" | "rsub" | "dist" => ("Sub", 2),
        "mul" | "multiply" => ("Mul", 2),
        "div" | "divide" | "true_divide" | "floor_divide" | "floordiv" => ("Div", 2),
        "maximum" | "fmax" => ("Max", 2),
        "minimum" | "fmin" => ("Min", 2),
        "pow" | "square" => ("Pow", 1),
        "fmod" | "remainder" => ("Mod", 2),
        "abs" => ("Abs", 1),
        "neg" | "negative" => ("Neg", 1),
        "sign" | "sgn" => ("Sign", 1),
        "floor" | "trunc" => ("Floor", 1),
        "ceil" => ("Ceil", 1),
        "round" => ("Round", 1),
        "sqrt" => ("Sqrt", 1),
        "clamp" | "clip" | "clamp_min" | "clamp_max" | "hardtanh" => ("Clip", 1),
        "select" | "slice" | "narrow" | "index" | "index_select" | "gather" | "take" | "__getitem__" => {
            ("Gather", 2)
        }
        "split" | "chunk" | "unbind" | "tensor_split" | "split_with_sizes" | "unfold" => ("Split", 1),
        "to" | "type" | "type_as" | "float" | "double" | "half" | "int" | "long" | "bool" | "Bool"
        | "Int" | "Float" | "item" | "FloatImplicit" | "IntImplicit" | "ScalarImplicit" | "NumToTensor" => {
            ("Cast", 1)
        }
        "contiguous" | "clone" | "detach" | "cpu" | "cuda" | "alias" | "tolist" | "expand" | "expand_as"
        | "broadcast_to" | "values" | "to_dense" | "requires_grad" => ("Identity", 1),
        "view" | "reshape" | "flatten" | "squeeze" | "unsqueeze" | "permute" | "transpose" | "t"
        | "view_as" | "unflatten" | "movedim" | "swapaxes" | "diagonal" | "as_strided" => ("Reshape", 1),
        "repeat" | "tile" | "repeat_interleave" => ("Tile", 1),
        "cat" | "concat" | "stack" | "hstack" | "vstack" | "concatenate" => ("Concat", 1),
        _ => return None,
    })
}

/// Operators that fill a tensor with numbers by themselves, and which argument is the number.
fn filled(name: &str) -> Option<(Option<f64>, Option<usize>)> {
    Some(match name {
        "zeros" | "zeros_like" | "new_zeros" | "zero" => (Some(0.0), None),
        "ones" | "ones_like" | "new_ones" => (Some(1.0), None),
        "full" | "full_like" | "fill" => (None, Some(1)),
        "new_full" => (None, Some(2)),
        "scalar_tensor" => (None, Some(0)),
        "empty" | "empty_like" | "new_empty" | "empty_strided" | "arange" | "linspace" | "logspace"
        | "eye" | "tril_indices" | "triu_indices" | "hann_window" | "hamming_window" | "bartlett_window"
        | "blackman_window" | "kaiser_window" | "tensor" | "as_tensor" => (None, None),
        _ => return None,
    })
}

impl<'m> Machine<'_, 'm> {
    /// Calls an operator; one that ends in `_` changes its first argument where it lies.
    pub(super) fn operate(
        &mut self,
        frame: &mut Frame<'m>,
        line: u32,
        name: &str,
        arguments: Vec<Value>,
    ) -> Value {
        let in_place = name.strip_suffix('_').filter(|plain| !plain.ends_with('_') && !plain.is_empty());
        let arguments: Vec<Value> =
            arguments.into_iter().filter(|value| !matches!(value.what, What::Object(_))).collect();
        let plain = in_place.unwrap_or(name);
        let made = self.made(frame, line, plain, &arguments);
        if let (Some(_), Some(first)) = (in_place, arguments.first()) {
            self.rebind(frame, line, first, &made);
            return Value { root: first.root, ..made };
        }
        made
    }

    fn made(&mut self, frame: &Frame<'m>, line: u32, name: &str, arguments: &[Value]) -> Value {
        if let Some(value) = self.folded(frame, line, name, arguments) {
            return value;
        }
        let shape = sizes::shape(name, arguments);
        if let Some(shape) = shape.as_ref().filter(|_| !VIEWS.contains(&name)) {
            self.large(frame, line, name, shape.iter().product());
        }
        let what = What::Tensor(shape.map(Into::into));
        if let Some((number, argument)) = filled(name) {
            return self.filled(frame, line, name, number, argument, arguments, what);
        }
        let wired: Vec<Value> = arguments.iter().map(|value| self.wired(frame, line, value)).collect();
        let of = |at: usize| wired.get(at);
        let made = match (name, of(0), of(1), of(2)) {
            ("where", Some(condition), Some(one), Some(other)) => {
                self.node(frame, line, "Where", &[condition, one, other], what)
            }
            ("masked_fill" | "masked_scatter", Some(value), Some(mask), Some(other)) => {
                self.node(frame, line, "Where", &[mask, other, value], what)
            }
            (
                "index_put" | "index_fill" | "index_copy" | "index_add" | "scatter" | "scatter_add",
                Some(value),
                Some(_),
                _,
            ) => {
                let index = if name == "index_put" { of(1) } else { of(2) };
                let other = if name == "index_put" { of(2) } else { of(3) };
                match (index, other) {
                    (Some(index), Some(other)) if !self.is_constant(index) => {
                        self.node(frame, line, "Where", &[index, other, value], what)
                    }
                    (_, Some(other)) => self.node(frame, line, "Add", &[value, other], what),
                    _ => self.node(frame, line, "Identity", &[value], what),
                }
            }
            ("copy", Some(_), Some(from), _) => self.node(frame, line, "Identity", &[from], what),
            ("allclose" | "equal", Some(one), Some(other), _) => {
                let equal = self.node(frame, line, "Equal", &[one, other], What::Tensor(None));
                self.node(frame, line, "ReduceMin", &[&equal], What::Number(None, false))
            }
            ("max" | "min", Some(one), Some(other), _) if !matches!(other.what, What::Number(..)) => {
                let operator = if name == "max" { "Max" } else { "Min" };
                self.node(frame, line, operator, &[one, other], what)
            }
            ("max", Some(one), ..) => self.node(frame, line, "ReduceMax", &[one], what),
            ("min", Some(one), ..) => self.node(frame, line, "ReduceMin", &[one], what),
            _ if SAID.contains(&name) => self.constant(What::Number(None, false), 1),
            _ => match known(name) {
                Some((operator, count)) => {
                    let inputs: Vec<&Value> = wired.iter().take(count).collect();
                    self.node(frame, line, operator, &inputs, what)
                }
                None => {
                    let inputs: Vec<&Value> = wired.iter().collect();
                    self.node(frame, line, &format!("torch {name}"), &inputs, what)
                }
            },
        };
        match arguments.first() {
            Some(first) if VIEWS.contains(&name) => Value { root: first.root, ..made },
            _ => made,
        }
    }

    /// A tensor of numbers that stand in the script.
    #[expect(clippy::too_many_arguments, reason = "one call, taken apart for its length")]
    fn filled(
        &mut self,
        frame: &Frame<'m>,
        line: u32,
        name: &str,
        number: Option<f64>,
        argument: Option<usize>,
        arguments: &[Value],
        what: What,
    ) -> Value {
        let value = argument.and_then(|at| arguments.get(at));
        let (mut number, mut elements) = (number.or_else(|| value.and_then(Value::number)), 2);
        if matches!(name, "tensor" | "as_tensor" | "scalar_tensor") {
            let given = arguments.first();
            let items = given.map(|value| {
                if let What::Items(items) = &value.what { &items[..] } else { std::slice::from_ref(value) }
            });
            let numbers = items.unwrap_or_default().iter().filter_map(Value::number);
            number = numbers.max_by(|a, b| a.abs().total_cmp(&b.abs()));
            elements = items.map_or(1, <[Value]>::len).max(1) as u64;
        }
        // What is made of the input is not made of numbers of the script.
        let made_of =
            if matches!(name, "tensor" | "as_tensor" | "scalar_tensor") { arguments.first() } else { value };
        if let Some(value) = made_of.filter(|value| !self.is_constant(value)) {
            let wired = self.wired(frame, line, value);
            return self.node(frame, line, "Identity", &[&wired], what);
        }
        let made = self.constant(what, elements);
        if let Some(number) = number.filter(|number| *number != 0.0) {
            self.numbers.insert(made.name(), number);
        }
        made
    }

    /// What is worked out without a tensor: numbers, and lists and texts that are repeated.
    fn folded(&mut self, frame: &Frame<'m>, line: u32, name: &str, arguments: &[Value]) -> Option<Value> {
        match (name, arguments) {
            ("len", [value]) if matches!(value.what, What::Items(_) | What::Range(..)) => {
                Some(self.constant(What::Number(Some(value.count()), false), 1))
            }
            ("mul", [value, times] | [times, value])
                if matches!(value.what, What::Items(_) | What::Many(_) | What::Text(_)) =>
            {
                let count = value.count() * times.number().unwrap_or(1.0).max(1.0);
                let text = matches!(value.what, What::Text(_));
                self.large(frame, line, if text { "a text" } else { "a list" }, count);
                let wired = self.wired(frame, line, value);
                let what = if text { What::Text(count) } else { What::Many(count) };
                Some(self.node(frame, line, "Tile", &[&wired], what))
            }
            ("add", [one, other]) if matches!((&one.what, &other.what), (What::Items(_), What::Items(_))) => {
                let (What::Items(a), What::Items(b)) = (&one.what, &other.what) else { return None };
                (a.len() + b.len() < 4096).then(|| self.items(a.iter().chain(b.iter()).cloned().collect()))
            }
            ("append", [list, item]) if matches!(list.what, What::Items(_)) => {
                // A list that is grown in place: what is in it is one with what it had.
                let wired = self.wired(frame, line, list);
                let item = self.wired(frame, line, item);
                Some(self.node(frame, line, "Concat", &[&wired, &item], What::Unknown))
            }
            (_, [one]) => {
                let (What::Number(Some(n), float), name) = (&one.what, name) else { return None };
                let (number, float) = match name {
                    "neg" => (-n, *float),
                    "abs" => (n.abs(), *float),
                    "__not__" => (f64::from(u8::from(*n == 0.0)), false),
                    "to" | "float" | "Float" | "NumToTensor" | "FloatImplicit" => (*n, *float),
                    _ => return None,
                };
                Some(self.constant(What::Number(Some(number), float), 1))
            }
            (_, [one, other]) => {
                let (What::Number(Some(a), x), What::Number(Some(b), y)) = (&one.what, &other.what) else {
                    return None;
                };
                let truth = |holds: bool| (f64::from(u8::from(holds)), false);
                let (number, float) = match name {
                    "add" => (a + b, *x || *y),
                    "sub" => (a - b, *x || *y),
                    "mul" => (a * b, *x || *y),
                    "div" => (a / b, true),
                    "floordiv" | "floor_divide" => ((a / b).floor(), *x || *y),
                    "remainder" => (a.rem_euclid(*b), *x || *y),
                    "pow" => (a.powf(*b), *x || *y),
                    "__lshift__" => (a * b.exp2(), false),
                    "__rshift__" => ((a / b.exp2()).floor(), false),
                    "eq" => truth(a == b),
                    "ne" => truth(a != b),
                    "lt" => truth(a < b),
                    "le" => truth(a <= b),
                    "gt" => truth(a > b),
                    "ge" => truth(a >= b),
                    _ => return None,
                };
                Some(self.constant(What::Number(Some(number), float), 1))
            }
            _ => None,
        }
    }

    /// Tells of something that no machine has room for.
    pub(super) fn large(&mut self, frame: &Frame<'m>, line: u32, what: &str, count: f64) {
        if count >= MOST_ELEMENTS {
            let message = format!("{what} of {count:e} elements is made by the script");
            self.tell(frame, line, "torch/exhausts", message);
        }
    }

    /// Gives every name of a tensor that is changed where it lies its new value.
    pub(super) fn rebind(&mut self, frame: &mut Frame<'m>, line: u32, old: &Value, new: &Value) {
        self.steps = self.steps.saturating_sub(frame.values.len());
        let mut names: Vec<String> = frame
            .values
            .iter()
            .filter(|(_, value)| value.root == old.root)
            .map(|(name, _)| name.clone())
            .collect();
        names.sort();
        let mut joined: Option<Value> = None;
        for name in names {
            let Some(value) = frame.values.get(&name).cloned() else { continue };
            let now = if value.wire == old.wire {
                Value { root: old.root, ..new.clone() }
            } else {
                let made = match &joined {
                    Some(joined) => joined.clone(),
                    None => self.node(frame, line, "Add", &[&value, new], value.what.clone()),
                };
                joined = Some(made.clone());
                Value { root: old.root, ..made }
            };
            frame.values.insert(name, now);
        }
    }

    /// Puts a value in some places of another.
    pub(super) fn put(
        &mut self,
        frame: &mut Frame<'m>,
        line: u32,
        base: &Value,
        index: &Value,
        value: &Value,
    ) {
        let [target, index, value] = [base, index, value].map(|value| self.wired(frame, line, value));
        let new = if self.is_constant(&index) {
            self.node(frame, line, "Add", &[&target, &value], base.what.clone())
        } else {
            self.node(frame, line, "Where", &[&index, &value, &target], base.what.clone())
        };
        self.rebind(frame, line, base, &new);
    }
}
