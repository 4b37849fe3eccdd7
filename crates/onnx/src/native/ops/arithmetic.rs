//! Element by element: functions of one value, of two, of many; casts.

use super::super::kernel::elementwise::{Binary, Both, Choose};
use super::super::kernel::integer::{Convert, IntBoth};
use super::super::kernel::strides::{Walk, broadcast, broadcast_shape};
use super::super::kernel::unary::{Map, Unary};
use super::super::plan::{Id, Planner};
use super::super::value::{Data, Kind, Layout, Spread};
use crate::OnnxError;
use crate::graph::{Attribute, Node};

/// A function of one value.
pub(crate) fn unary<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let alpha = |default| float_attribute(node, "alpha", default);
    let function = match node.operator.as_str() {
        "Abs" => Unary::Abs,
        "Ceil" => Unary::Ceil,
        "Cos" => Unary::Cos,
        "Elu" => Unary::Elu(alpha(1.0)?),
        "Erf" => Unary::Erf,
        "Exp" => Unary::Exp,
        "Floor" => Unary::Floor,
        "Gelu" => match node.text("approximate", "none")? {
            "tanh" => Unary::GeluTanh,
            _ => Unary::Gelu,
        },
        "HardSigmoid" => Unary::HardSigmoid(alpha(0.2)?, float_attribute(node, "beta", 0.5)?),
        "HardSwish" => Unary::HardSwish,
        "IsNaN" => Unary::IsNan,
        "LeakyRelu" => Unary::LeakyRelu(alpha(0.01)?),
        "Log" => Unary::Log,
        "Mish" => Unary::Mish,
        "Neg" => Unary::Neg,
        "Not" => Unary::Not,
        "Reciprocal" => Unary::Reciprocal,
        "Round" => Unary::Round,
        "Selu" => Unary::Selu(alpha(1.673_263_2)?, float_attribute(node, "gamma", 1.050_701)?),
        "Sigmoid" => Unary::Sigmoid,
        "Sign" => Unary::Sign,
        "Sin" => Unary::Sin,
        "Softplus" => Unary::Softplus,
        "Softsign" => Unary::Softsign,
        "Sqrt" => Unary::Sqrt,
        "Tanh" => Unary::Tanh,
        "ThresholdedRelu" => Unary::Threshold(alpha(1.0)?),
        _ => return Err(super::unsupported(node)),
    };
    let x = p.input(node, 0)?;
    let wanted = if function == Unary::Not { Kind::Bool } else { Kind::Float };
    if p.value(x).kind != wanted {
        return int_unary(p, node, x, function);
    }
    let kind = if matches!(function, Unary::IsNan | Unary::Not) { Kind::Bool } else { Kind::Float };
    let out = map(p, x, function, kind)?;
    p.name(node, 0, out);
    Ok(())
}

/// The few that integers have.
fn int_unary<'g>(p: &mut Planner<'g>, node: &'g Node, x: Id, function: Unary) -> Result<(), OnnxError> {
    let zero = p.ints(vec![0], Vec::new(), false);
    let out = match (p.value(x).kind, function) {
        (Kind::Int, Unary::Neg) => both(p, node, zero, x, Binary::Sub)?,
        (Kind::Int, Unary::Abs) => {
            let negative = both(p, node, zero, x, Binary::Sub)?;
            both(p, node, x, negative, Binary::Max)?
        }
        (kind, _) => return Err(node.broken(format!("its input holds {kind:?}"))),
    };
    p.name(node, 0, out);
    Ok(())
}

/// `Relu`, as the end of the kernel before where that can be.
pub(crate) fn relu<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.float(node, 0)?;
    let name = node.inputs.first().map_or("", String::as_str);
    let out = match p.finish_with_relu(name, x) {
        Some(out) => out,
        None => map(p, x, Unary::Relu, Kind::Float)?,
    };
    p.name(node, 0, out);
    Ok(())
}

fn map(p: &mut Planner<'_>, x: Id, function: Unary, kind: Kind) -> Result<Id, OnnxError> {
    let spread = p.spread_of(&[x]);
    let (shape, layout) = (p.shape(x), p.value(x).layout);
    p.emit(Map(function), &[x], (shape, kind, layout, spread))
}

/// `Clip`, with bounds as attributes (up to opset 10) or inputs.
pub(crate) fn clip<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let mut bounds =
        [float_attribute(node, "min", f32::NEG_INFINITY)?, float_attribute(node, "max", f32::INFINITY)?];
    let mut computed = [None, None];
    for (i, bound) in bounds.iter_mut().enumerate() {
        let Some(id) = p.optional(node, i + 1)? else { continue };
        match p.constant(id) {
            Some(Data::Float(v)) if v.len() == 1 && p.value(x).kind == Kind::Float => *bound = v[0],
            _ => computed[i] = Some(id),
        }
    }
    let mut out = x;
    if p.value(x).kind == Kind::Float && bounds != [f32::NEG_INFINITY, f32::INFINITY] {
        out = map(p, x, Unary::Clip(bounds[0], bounds[1]), Kind::Float)?;
    }
    for (id, function) in computed.into_iter().zip([Binary::Max, Binary::Min]) {
        if let Some(id) = id {
            out = both(p, node, out, id, function)?;
        }
    }
    p.name(node, 0, out);
    Ok(())
}

/// A function of two values.
pub(crate) fn binary<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let function = match node.operator.as_str() {
        "Add" => Binary::Add,
        "And" => Binary::And,
        "Div" => Binary::Div,
        "Equal" => Binary::Equal,
        "Greater" => Binary::Greater,
        "GreaterOrEqual" => Binary::GreaterOrEqual,
        "Less" => Binary::Less,
        "LessOrEqual" => Binary::LessOrEqual,
        "Mod" if node.int("fmod", 0)? == 0 => Binary::Modulo,
        "Mod" => Binary::Remainder,
        "Mul" => Binary::Mul,
        "Or" => Binary::Or,
        "PRelu" => Binary::PRelu,
        "Pow" => Binary::Pow,
        "ReluGrad" => Binary::ReluGrad,
        "Sub" => Binary::Sub,
        "Xor" => Binary::Xor,
        _ => return Err(super::unsupported(node)),
    };
    let (a, b) = (p.input(node, 0)?, p.input(node, 1)?);
    let out = both(p, node, a, b, function)?;
    p.name(node, 0, out);
    Ok(())
}

/// `Sum`, `Mean`, `Max` and `Min` of any number of values, taken from the left.
pub(crate) fn many<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let function = match node.operator.as_str() {
        "Max" => Binary::Max,
        "Min" => Binary::Min,
        _ => Binary::Add,
    };
    let mut out = p.input(node, 0)?;
    for i in 1..node.inputs.len() {
        let next = p.input(node, i)?;
        out = both(p, node, out, next, function)?;
    }
    if node.operator == "Mean" && node.inputs.len() > 1 {
        let count = p.floats(vec![node.inputs.len() as f32], Vec::new());
        out = both(p, node, out, count, Binary::Div)?;
    }
    p.name(node, 0, out);
    Ok(())
}

/// `function(a, b)` with broadcasting.
pub(crate) fn both(
    p: &mut Planner<'_>,
    node: &Node,
    a: Id,
    b: Id,
    function: Binary,
) -> Result<Id, OnnxError> {
    let compares = matches!(
        function,
        Binary::Equal | Binary::Greater | Binary::GreaterOrEqual | Binary::Less | Binary::LessOrEqual
    );
    let (a_kind, b_kind) = (p.value(a).kind, p.value(b).kind);
    let logical = matches!(function, Binary::And | Binary::Or | Binary::Xor);
    let kind = match (a_kind, b_kind) {
        (Kind::Bool, Kind::Bool) if logical || function == Binary::Equal => Kind::Bool,
        (Kind::Float, Kind::Float) | (Kind::Int, Kind::Int) if compares => Kind::Bool,
        (Kind::Float, Kind::Float) if !logical => Kind::Float,
        (Kind::Int, Kind::Int) if !logical => Kind::Int,
        _ => return Err(node.broken(format!("its inputs hold {a_kind:?} and {b_kind:?}"))),
    };
    let spread = two_spread(p, a, b, function);
    let (operands, shape, layout, strides) = laid_out(p, node, &[a, b])?;
    let [first, second] = <[Vec<isize>; 2]>::try_from(strides).unwrap_or_default();
    let walk = Walk::new(&stored(&shape, layout), [first, second], [0, 0])
        .ok_or_else(|| node.broken("its inputs broadcast along too many dimensions"))?;
    if a_kind == Kind::Int {
        return p.emit(IntBoth { function, walk }, &operands, (shape, kind, layout, spread));
    }
    p.emit(Both { function, walk }, &operands, (shape, kind, layout, spread))
}

/// A sum over rows may be scaled by what is the same for all, and added to another.
fn two_spread(p: &mut Planner<'_>, a: Id, b: Id, function: Binary) -> Spread {
    match (p.value(a).spread, p.value(b).spread, function) {
        (Spread::Sum, Spread::Uniform, Binary::Mul | Binary::Div)
        | (Spread::Uniform, Spread::Sum, Binary::Mul)
        | (Spread::Sum, Spread::Sum, Binary::Add | Binary::Sub) => Spread::Sum,
        _ => p.spread_of(&[a, b]),
    }
}

/// Brings operands that broadcast into one layout: with channels last where one of the result's shape has
/// them so. Returns them, the shape, the layout, and each operand's strides in the dimensions as stored.
type LaidOut = (Vec<Id>, Vec<usize>, Layout, Vec<Vec<isize>>);

fn laid_out(p: &mut Planner<'_>, node: &Node, operands: &[Id]) -> Result<LaidOut, OnnxError> {
    let shapes: Vec<Vec<usize>> = operands.iter().map(|id| p.shape(*id)).collect();
    let slices: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    let shape = broadcast_shape(&slices)
        .ok_or_else(|| node.broken(format!("shapes {shapes:?} do not broadcast to one")))?;
    let last = operands
        .iter()
        .zip(&shapes)
        .any(|(id, s)| p.value(*id).layout == Layout::ChannelsLast && *s == shape);
    let layout = if last { Layout::ChannelsLast } else { Layout::Plain };
    let (mut laid, mut strides) = (Vec::new(), Vec::new());
    let rows = p.rows();
    let mut rows_met = false;
    for (id, own) in operands.iter().zip(&shapes) {
        let whole = own.len() == 4;
        let id = if last && whole { p.channels_last(*id)? } else { p.plain(*id)? };
        // A value of all rows must meet the rows of the others, and a value of none must not be as long.
        let value = p.value(id);
        match value.spread {
            Spread::Rows => rows_met |= own.len() != shape.len() || own.first() != Some(&rows),
            Spread::Uniform => {
                rows_met |=
                    !value.counted && own.len() == shape.len() && own.first().is_some_and(|n| *n != 1);
            }
            Spread::Sum => {}
        }
        let step = if last && whole {
            broadcast(&stored(own, layout), &stored(&shape, layout))
        } else {
            broadcast(own, &shape).map(|s| stored(&s, layout))
        };
        strides.push(step.ok_or_else(|| node.broken("its inputs do not broadcast"))?);
        laid.push(id);
    }
    if rows_met && operands.iter().any(|id| p.value(*id).spread == Spread::Rows) {
        p.mixes_rows();
    }
    Ok((laid, shape, layout, strides))
}

/// Dimensions, or what belongs to them, in the order in which they are stored.
fn stored<T: Copy>(dims: &[T], layout: Layout) -> Vec<T> {
    match (layout, dims) {
        (Layout::ChannelsLast, [n, c, h, w]) => vec![*n, *h, *w, *c],
        _ => dims.to_vec(),
    }
}

/// `Where`.
pub(crate) fn choose<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let operands = [p.input(node, 0)?, p.input(node, 1)?, p.input(node, 2)?];
    let [condition, a, b] = operands.map(|id| p.value(id).kind);
    if condition != Kind::Bool || a != b {
        return Err(node.broken(format!("its inputs hold {condition:?}, {a:?} and {b:?}")));
    }
    let spread = p.spread_of(&operands);
    let (operands, shape, layout, strides) = laid_out(p, node, &operands)?;
    let strides = <[Vec<isize>; 3]>::try_from(strides).unwrap_or_default();
    let walk = Walk::new(&stored(&shape, layout), strides, [0; 3])
        .ok_or_else(|| node.broken("its inputs broadcast along too many dimensions"))?;
    let out = p.emit(Choose { walk }, &operands, (shape, a, layout, spread))?;
    p.name(node, 0, out);
    Ok(())
}

/// `Cast`, to float32, the integer types and booleans.
pub(crate) fn cast<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let x = p.input(node, 0)?;
    let (kind, range) = match node.int("to", 0)? {
        // float64 is carried as float32.
        1 | 11 => (Kind::Float, None),
        2 => (Kind::Int, Some((0, i64::from(u8::MAX)))),
        3 => (Kind::Int, Some((i64::from(i8::MIN), i64::from(i8::MAX)))),
        5 => (Kind::Int, Some((i64::from(i16::MIN), i64::from(i16::MAX)))),
        6 => (Kind::Int, Some((i64::from(i32::MIN), i64::from(i32::MAX)))),
        7 => (Kind::Int, Some((i64::MIN, i64::MAX))),
        9 => (Kind::Bool, None),
        other => {
            return Err(OnnxError::ElementType {
                tensor: node.name.clone(),
                found: format!("element type {other}"),
            });
        }
    };
    let out = convert(p, node, x, kind, range)?;
    p.name(node, 0, out);
    Ok(())
}

/// `CastLike`.
pub(crate) fn cast_like<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (x, like) = (p.input(node, 0)?, p.input(node, 1)?);
    let kind = p.value(like).kind;
    let out = convert(p, node, x, kind, None)?;
    p.name(node, 0, out);
    Ok(())
}

fn convert(
    p: &mut Planner<'_>,
    node: &Node,
    x: Id,
    kind: Kind,
    range: Option<(i64, i64)>,
) -> Result<Id, OnnxError> {
    let value = p.value(x).clone();
    if value.counted && kind != Kind::Int {
        // The number of rows becomes a number to compute with.
        p.mixes_rows();
    }
    let spread = p.spread_of(&[x]);
    let range = range.unwrap_or((i64::MIN, i64::MAX));
    match (value.kind, kind) {
        (a, b) if a == b && (a != Kind::Int || range == (i64::MIN, i64::MAX)) => Ok(x),
        (Kind::Float, Kind::Bool) => {
            p.emit(Map(Unary::Truth), &[x], (value.shape, kind, value.layout, spread))
        }
        (Kind::Int, Kind::Bool) => {
            let zero = p.ints(vec![0], Vec::new(), false);
            let equal = both(p, node, x, zero, Binary::Equal)?;
            map(p, equal, Unary::Not, Kind::Bool)
        }
        _ => p.emit(Convert { range }, &[x], (value.shape, kind, value.layout, spread)),
    }
}

/// A number among the attributes, or `default`.
pub(crate) fn float_attribute(node: &Node, name: &str, default: f32) -> Result<f32, OnnxError> {
    match node.attributes.get(name) {
        None => Ok(default),
        Some(Attribute::Float(v)) => Ok(*v),
        Some(_) => Err(node.broken(format!("attribute {name:?} is not a number"))),
    }
}
