//! Whether the state of a figure of matplotlib gives it nothing to call.
//!
//! `matplotlib.figure.Figure.__setstate__` takes the state for `__dict__`, has a canvas register with the figure, may hand the
//! figure to pyplot, and calls `stale_callback`. A method that the state shadows would be called on the way.

use super::super::machine::Machine;
use super::super::value::{Node, Value};
use super::Judge;
use crate::tables::Effect;

/// Attributes of figures, besides those that begin with an underscore; from versions 2.2 to 3.11.
const ATTRIBUTES: [&str; 23] = [
    "artists",
    "bbox",
    "bbox_inches",
    "clipbox",
    "dpi_scale_trans",
    "eventson",
    "figbbox",
    "figure",
    "frameon",
    "images",
    "legends",
    "lines",
    "mouseover",
    "number",
    "patch",
    "patches",
    "stale_callback",
    "subfigs",
    "subplotpars",
    "suppressComposite",
    "texts",
    "transFigure",
    "transSubfigure",
];

/// What a figure asks to connect and to call functions while it is made.
const REGISTRIES: [&str; 5] =
    ["_axobservers", "_callbacks", "_canvas_callbacks", "_fig_callbacks", "_pchanged"];

impl Judge<'_> {
    /// Whether a figure takes `state` without calling anything but a function of matplotlib.
    pub(super) fn is_figure(&self, machine: &Machine<'_>, state: Value) -> bool {
        let Some((items, true)) = machine.dict(state) else { return false };
        items.chunks(2).all(|pair| {
            let [key, value] = pair else { return false };
            let Some(name) = machine.text(*key) else { return false };
            let global = machine.global(*value);
            match &*name {
                "stale_callback" => {
                    *value == Value::None
                        || global.is_some_and(|g| {
                            g.module.as_deref().is_some_and(|module| module.starts_with("matplotlib."))
                                && self.effect(machine, *value) == Some(Effect::Data)
                        })
                }
                name if REGISTRIES.contains(&name) => {
                    *value == Value::None
                        || super::made_of(machine, *value)
                            .and_then(|class| machine.global(class))
                            .is_some_and(|g| g.qualified() == "matplotlib.cbook.CallbackRegistry")
                }
                name => {
                    (name.starts_with('_') || ATTRIBUTES.contains(&name))
                        && global.is_none()
                        && self.is_no_callable(machine, *value)
                }
            }
        })
    }

    /// Whether a value of the state is data, or an instance of a known class: not a method, a partial or something computed.
    fn is_no_callable(&self, machine: &Machine<'_>, value: Value) -> bool {
        match machine.node(value) {
            Some(Node::Unknown | Node::Persistent(_) | Node::Global(_)) => false,
            Some(Node::Called { callee, .. }) => machine.global(*callee).is_some_and(|g| {
                !matches!(g.module.as_deref(), None | Some("functools" | "operator" | "_operator" | "types"))
                    && !matches!(g.name.as_deref(), None | Some("getattr" | "MethodType"))
            }),
            _ => true,
        }
    }
}
