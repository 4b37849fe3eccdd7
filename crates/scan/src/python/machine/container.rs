//! Methods that change lists and tables.

use super::super::value::{Arguments, Cell, Value};
use super::{Machine, Scope};

impl Machine<'_> {
    /// Puts pairs into a table that is known.
    pub(super) fn dict_method(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        arguments: &Arguments,
        line: u32,
    ) -> Option<Value> {
        const MOST: usize = 100_000;
        let owner = arguments.plain.first()?.clone();
        let Value::Cell(at) = owner else { return None };
        let mut more: Vec<(Value, Value)> =
            arguments.named.iter().map(|(name, value)| (Value::text(name), value.clone())).collect();
        match (name, arguments.plain.get(1), arguments.plain.get(2)) {
            ("builtins.dict.update", Some(given), _) => match self.cell_of(given) {
                Some(Cell::Dict(pairs)) => more.extend(pairs.iter().cloned()),
                _ => more.push((Value::UNKNOWN, Value::Unknown(self.taint(given)))),
            },
            ("builtins.dict.setdefault", Some(key), default) => {
                let missing = matches!(self.cell_of(&owner), Some(Cell::Dict(pairs)) if !pairs.iter().any(|(k, _)| k == key));
                if missing {
                    more.push((key.clone(), default.cloned().unwrap_or(Value::None)));
                }
            }
            _ => {}
        }
        if let Some(Cell::Dict(pairs)) = self.heap.get_mut(at)
            && pairs.len() + more.len() <= MOST
        {
            pairs.extend(more);
        }
        match arguments.plain.get(1) {
            Some(key) if name == "builtins.dict.setdefault" => {
                Some(self.subscript(scope, &owner, key, false, line))
            }
            _ => Some(Value::None),
        }
    }

    pub(super) fn list_method(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        arguments: &Arguments,
        line: u32,
    ) -> Value {
        let Some(Value::Cell(at)) = arguments.plain.first().cloned() else { return Value::UNKNOWN };
        let more = match name {
            "builtins.list.extend" | "builtins.list.update" => {
                self.list_at(scope, arguments, 1, line).unwrap_or_else(|| vec![Value::UNKNOWN])
            }
            _ => arguments.plain.last().cloned().into_iter().collect(),
        };
        let index = arguments.plain.get(1).and_then(Value::as_integer);
        let Some(Cell::Sequence(values)) = self.heap.get_mut(at) else { return Value::UNKNOWN };
        match name {
            "builtins.list.pop" => {
                let at = match index {
                    Some(n) if n >= 0 => usize::try_from(n).unwrap_or(usize::MAX),
                    _ => values.len().wrapping_sub(1),
                };
                return if at < values.len() { values.remove(at) } else { Value::UNKNOWN };
            }
            "builtins.list.reverse" => values.reverse(),
            "builtins.list.insert" => {
                let at = index.and_then(|n| usize::try_from(n).ok()).unwrap_or(0).min(values.len());
                values.splice(at..at, more);
            }
            _ if values.len() < 200_000 => values.extend(more),
            _ => {}
        }
        Value::None
    }
}
