//! What an expression of TorchScript comes to whatever its tensors hold: a product with zero is zero, and zero equals zero.
//!
//! Numbers that are none, and infinite ones, are left aside: whoever writes a loop that ends for them alone means it not to
//! end.

use super::{names, parts};

/// How deep expressions and the names in them lie in each other.
const DEPTH: u32 = 16;
/// Expressions that are looked at for one condition.
const MOST: u32 = 512;

/// The value of an expression in a block that sets `sets`, if it is the same each time.
pub(super) fn constant(expression: &str, sets: &[(&str, &str)]) -> Option<f64> {
    Folded { sets, left: MOST }.value(expression, DEPTH)
}

struct Folded<'s, 't> {
    sets: &'s [(&'t str, &'t str)],
    left: u32,
}

impl Folded<'_, '_> {
    fn value(&mut self, expression: &str, depth: u32) -> Option<f64> {
        let depth = depth.checked_sub(1)?;
        self.left = self.left.checked_sub(1)?;
        let expression = expression.trim();
        match expression {
            "True" => return Some(1.0),
            "False" => return Some(0.0),
            _ => {}
        }
        if let Ok(number) = expression.parse::<f64>() {
            return number.is_finite().then_some(number);
        }
        let Some((function, rest)) = expression.split_once('(') else {
            return self.of_a_name(expression, depth);
        };
        let arguments = parts(rest.strip_suffix(')')?);
        let first = self.value(arguments.first()?, depth);
        let second = arguments.get(1).and_then(|argument| self.value(argument, depth));
        let function = function.strip_prefix("torch.").unwrap_or(function);
        let truth = |holds: bool| Some(f64::from(u8::from(holds)));
        let value = match (function, first, second) {
            ("mul", Some(0.0), _) | ("mul", _, Some(0.0)) => 0.0,
            ("mul", Some(a), Some(b)) => a * b,
            ("add", Some(a), Some(b)) if arguments.len() == 2 => a + b,
            ("sub", Some(a), Some(b)) if arguments.len() == 2 => a - b,
            ("div", Some(a), Some(b)) if b != 0.0 => a / b,
            ("zeros_like", ..) => 0.0,
            ("ones_like", ..) => 1.0,
            ("eq", Some(a), Some(b)) => truth(a == b)?,
            ("ne", Some(a), Some(b)) => truth(a != b)?,
            ("lt", Some(a), Some(b)) => truth(a < b)?,
            ("le", Some(a), Some(b)) => truth(a <= b)?,
            ("gt", Some(a), Some(b)) => truth(a > b)?,
            ("ge", Some(a), Some(b)) => truth(a >= b)?,
            ("abs", Some(a), _) => a.abs(),
            ("neg", Some(a), _) => -a,
            ("all" | "any", Some(a), _) | ("bool" | "Bool", Some(a), None) => truth(a != 0.0)?,
            ("logical_not" | "__not__", Some(a), _) => truth(a == 0.0)?,
            ("float" | "int" | "item" | "max" | "min" | "mean" | "clone" | "detach", Some(a), None) => a,
            ("sum" | "norm", Some(0.0), _) => 0.0,
            _ => return None,
        };
        value.is_finite().then_some(value)
    }

    /// What a name stands for, where the block sets it once.
    fn of_a_name(&mut self, name: &str, depth: u32) -> Option<f64> {
        names(name).next().filter(|only| *only == name)?;
        let mut made = self.sets.iter().filter(|(other, _)| *other == name).map(|(_, value)| *value);
        let (value, None) = (made.next()?, made.next()) else { return None };
        self.value(value, depth)
    }
}

#[cfg(test)]
mod tests {
    use super::constant;

    #[test]
    fn what_no_tensor_changes_is_known() {
        let sets =
            [("_2", "torch.all(torch.eq(torch.mul(x1, 0), 0))"), ("x1", "torch.add(x0, 0)"), ("y", "y")];
        for (expression, value) in [
            ("bool(_2)", Some(1.0)),
            ("torch.lt(torch.mul(x, 0.), 1)", Some(1.0)),
            ("torch.gt(torch.sum(torch.mul(0, x)), 0)", Some(0.0)),
            ("torch.gt(x1, 0)", None),
            ("torch.lt(torch.mul(x, 2), 1)", None),
            ("y", None),
            ("torch.div(1, 0)", None),
            ("", None),
            ("((((((((((((((((((", None),
        ] {
            assert_eq!(constant(expression, &sets), value, "{expression}");
        }
    }
}
