//! What a stream sets on the values that it made.

use super::super::attributes::{is_looked_up, is_marked};
use super::super::machine::Machine;
use super::super::value::{Node, Value};
use super::{
    Judge, Opener, code, containers, contract, dill, distribution, formula, lookup, made_of, structure,
};
use crate::tables::{Contract, Effect};

impl Judge<'_> {
    pub(super) fn build(&mut self, machine: &Machine<'_>, offset: usize, target: Value, state: Value) {
        let contract = match made_of(machine, target).and_then(|class| self.effect(machine, class)) {
            Some(Effect::InertIf(contract)) => Some(contract),
            _ => None,
        };
        let again = self.stated(machine, offset, target);
        self.hands_over_setattr(machine, offset, Value::None, state, "BUILD");
        match contract {
            Some(Contract::Distribution) => {
                if !distribution::is_state(machine, state) {
                    let message = "loading it runs source text that is not the one scipy writes".to_owned();
                    self.find("pickle/contract", "distribution", offset, message);
                }
                return;
            }
            _ if !containers::keeps_itself(machine, target, state) => {
                let message = "loading it has a container keep its elements in something else".to_owned();
                self.find("pickle/state-injection", "container", offset, message);
            }
            Some(Contract::Held | Contract::Partial) if !self.is_held(machine, target, state) => {
                let message = "loading it changes what a partial function calls".to_owned();
                self.find("pickle/state-injection", "partial", offset, message);
            }
            Some(Contract::Figure) if !self.is_figure(machine, state) => {
                let message = "loading it gives a figure something to call".to_owned();
                self.find("pickle/contract", "figure", offset, message);
            }
            Some(Contract::Formula) if !formula::is_harmless(machine, state) => {
                let message = "loading it evaluates a formula again, which is Python".to_owned();
                self.find("pickle/contract", "formula", offset, message);
            }
            Some(Contract::Constants) if !containers::are_constants(machine, state) => {
                let message = "loading it sets a state of more than texts and numbers".to_owned();
                self.find("pickle/contract", "constants", offset, message);
            }
            Some(Contract::Temporary) if again || !containers::is_temporary(machine, state) => {
                let message = "loading it writes a file where the state says".to_owned();
                self.find("pickle/contract", "temporary file", offset, message);
            }
            Some(Contract::Packed) if !contract::is_packed(machine, state) => {
                let message = "loading it makes a class of C++ that is not one of packed weights".to_owned();
                self.find("pickle/contract", "packed", offset, message);
            }
            Some(Contract::NestedState) => {
                let kept = machine.entry(state, "__cuda_dependent_attributes__");
                if kept.is_some_and(|kept| machine.bytes_of(kept).is_some()) {
                    kept.into_iter().for_each(|kept| self.open_one(machine, offset, kept, Opener::Pickles));
                } else {
                    let message = "loading it loads a pickle that it computes".to_owned();
                    self.find("pickle/contract", "nested state", offset, message);
                }
            }
            Some(contract @ (Contract::State | Contract::Symbolic)) => {
                let taken =
                    contract::takes(machine, contract, state) || contract::is_array(machine, target, state);
                if again || !taken {
                    let message = "loading it sets state twice, or by setters that compute".to_owned();
                    self.find("pickle/contract", "setters", offset, message);
                }
            }
            _ => {}
        }
        if let Some(shared) = self.shared(machine, target) {
            let message = format!("loading it sets attributes of {shared}, which the whole program shares");
            self.find("pickle/state-injection", shared, offset, message);
        }
        if let Some(message) = structure::fault(machine, target, state) {
            self.find("pickle/structure", message.clone(), offset, message);
        }
        match machine.node(target) {
            // An instance of something unknown: reported when that was imported or called.
            Some(Node::Called { .. }) => {}
            Some(Node::Global(global)) => {
                let message = format!("loading it sets attributes of {} itself", global.qualified());
                self.find("pickle/state-injection", global.qualified(), offset, message);
            }
            _ => {
                let message = "loading it sets state on a value that is no instance".to_owned();
                self.find("pickle/state-injection", "no instance", offset, message);
            }
        }
        let parts = match machine.tuple(state) {
            // Two of them are `__dict__` and slots, unless the class has its own `__setstate__`.
            Some([dict, slots]) => vec![*dict, *slots],
            _ => vec![state],
        };
        let function = code::is_own_function(machine, target);
        for part in parts {
            self.state(machine, offset, part, function);
        }
    }

    /// Names that Python looks up by itself must not come from the file: `__setstate__` set on an instance
    /// is called by the next `BUILD`. A function of the stream has some of its own.
    fn state(&mut self, machine: &Machine<'_>, offset: usize, state: Value, function: bool) {
        if let Some((items, whole)) = machine.dict(state) {
            for pair in items.chunks(2) {
                let [key, rest @ ..] = pair else { continue };
                let name = machine.text(*key);
                let name = name.as_deref().unwrap_or_default();
                if function && rest.first().is_some_and(|value| dill::is_own(machine, name, *value)) {
                    continue;
                }
                // What a library keeps under such a name is data: a callable there is for somebody to call. `typing` keeps
                // there what its name for a class was, as in `typing.OrderedDict()`.
                let called = (is_marked(name) || lookup::is_of_containers(name))
                    && name != "__orig_class__"
                    && rest.first().and_then(|v| machine.global(*v)).is_some_and(|held| {
                        // What a frozen graph has for each of its methods, which raises an error.
                        held.qualified() != "networkx.classes.function.frozen"
                    });
                if is_looked_up(name) || called {
                    let message =
                        format!("loading it sets the attribute {name}, which Python calls by itself");
                    self.find("pickle/state-injection", name, offset, message);
                } else if !matches!(key, Value::Text(..) | Value::Int(_) | Value::None | Value::Bool(_))
                    && machine.tuple(*key).is_none()
                {
                    let message = "loading it sets an attribute whose name it computes".to_owned();
                    self.find("pickle/state-injection", "computed name", offset, message);
                }
            }
            if !whole {
                let message = "the state has more attributes than are followed".to_owned();
                self.find("pickle/state-injection", "too many", offset, message);
            }
        } else if let Some(Node::Called { callee, .. }) = machine.node(state) {
            let mapping = match machine.global(*callee) {
                None => true,
                Some(global) => matches!(
                    global.name.as_deref(),
                    None | Some("dict" | "OrderedDict" | "defaultdict" | "Counter" | "UserDict" | "getattr")
                ),
            };
            if mapping {
                let message = "loading it sets attributes from a mapping that it computes".to_owned();
                self.find("pickle/state-injection", "computed state", offset, message);
            }
        } else if let Some(Node::Unknown | Node::Persistent(_)) = machine.node(state) {
            let message = "loading it sets state that comes from elsewhere".to_owned();
            self.find("pickle/state-injection", "foreign state", offset, message);
        }
    }
}
