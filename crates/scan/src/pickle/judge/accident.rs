//! What the numbers of an array come to where they are read as opcodes.
//!
//! `pickle.load` goes on in the bytes that joblib writes behind a wrapper. One array in sixteen begins like an opcode that can
//! run something; what it would run is the word or the number that happens to lie on the stack, and there it ends.

use super::super::joblib;
use super::super::machine::{Event, Machine};
use super::super::value::{Node, Value};
use super::Loader;

/// Whether an event is one at which the unpickler stops, in the bytes of an array that joblib keeps as they are.
pub(super) fn is_one(machine: &Machine<'_>, loader: Loader, offset: usize, event: &Event<'_>) -> bool {
    machine.taken_for_opcodes.contains(&offset)
        && match event {
            // Nothing is registered that the stream did not register, which is told; without buffers there is no next one.
            Event::Extension(_) | Event::Buffer | Event::HugeMemo(_) => true,
            Event::Persistent(_) => loader == Loader::Any,
            Event::Call { callee, .. } => is_constant(machine, *callee),
            Event::Build { target, .. } => is_constant(machine, *target),
            Event::Method { target, .. } => {
                is_constant(machine, *target) || joblib::is_wrapper(machine, *target)
            }
            Event::Import(_) | Event::Lightning { .. } | Event::Endless => false,
        }
}

/// Whether a value is nothing to call, and has no attributes to set.
fn is_constant(machine: &Machine<'_>, value: Value) -> bool {
    match machine.node(value) {
        Some(node) => {
            matches!(node, Node::Tuple(_) | Node::List(_) | Node::Set | Node::Dict(_) | Node::Constant(_))
        }
        None => true,
    }
}
