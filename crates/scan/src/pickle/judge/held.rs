//! Callables that are inert only as long as their arguments keep a contract, kept where something else calls them.
//!
//! Classes of libraries call what they hold: an iterator calls the function that makes its elements, as soon as a container is made
//! of it. What they hold is harmless to call if it is inert or data. `dill._dill._eval_repr` is neither: with the text that a file
//! gives it that way it runs anything, and nobody compares that text. No pickler writes such a callable but where it is called.

use std::collections::BTreeSet;

use super::super::machine::Machine;
use super::super::value::{Node, Value};
use super::Judge;
use crate::tables::{Contract, Effect};

impl Judge<'_> {
    /// Tells of such callables among everything that a run made, which began at `at`.
    pub fn held(&mut self, machine: &Machine<'_>, at: usize) {
        let strong: BTreeSet<u32> = numbered(machine)
            .filter(|(id, node)| {
                matches!(node, Node::Global(_))
                    && matches!(self.effect(machine, Value::Node(*id)), Some(Effect::InertIf(c)) if reaches(c))
            })
            .map(|(id, _)| id)
            .collect();
        if strong.is_empty() {
            return;
        }
        let compared: BTreeSet<u32> = numbered(machine)
            .filter_map(|(_, node)| match node {
                Node::Called { callee, args: Value::Node(args), .. } => match self.effect(machine, *callee) {
                    Some(Effect::InertIf(contract)) if compares(contract) => Some(*args),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        let kept: BTreeSet<u32> = numbered(machine)
            .flat_map(|(id, node)| match node {
                Node::Tuple(items) if !compared.contains(&id) => items.kept.as_slice(),
                Node::List(items) | Node::Dict(items) => items.kept.as_slice(),
                Node::Called { state: Some(state), .. } => std::slice::from_ref(state),
                _ => &[],
            })
            .filter_map(|part| match part {
                Value::Node(id) if strong.contains(id) => Some(*id),
                _ => None,
            })
            .collect();
        for id in kept {
            let Some(name) = machine.global(Value::Node(id)).map(super::Global::qualified) else { continue };
            let message = format!("loading it keeps {name} where something else may call it, with anything");
            self.find("pickle/contract", name, at, message);
        }
    }
}

fn numbered<'m>(machine: &'m Machine<'_>) -> impl Iterator<Item = (u32, &'m Node)> {
    (0u32..).zip(machine.nodes())
}

/// Whether a callable loads, evaluates, imports or looks up what it is told.
fn reaches(contract: Contract) -> bool {
    matches!(
        contract,
        Contract::Nested
            | Contract::Shown
            | Contract::Module
            | Contract::Member
            | Contract::Type
            | Contract::Resolved
            | Contract::Keeps(_)
            | Contract::Traced
            | Contract::Attribute
            | Contract::Array
            | Contract::Partial
            | Contract::Subclass
            | Contract::Temporary
            | Contract::NamedTuple
    )
}

/// Whether a contract looks at each argument, rather than at how an object is made.
fn compares(contract: Contract) -> bool {
    reaches(contract)
        || matches!(
            contract,
            Contract::Held
                | Contract::InertArgs
                | Contract::Reconstructor
                | Contract::NamedState
                | Contract::Generator
        )
}
