//! The last part of planning: which steps are needed, in what order, and where each result lives.

use std::collections::HashMap;
use std::sync::Arc;

use super::memory::{Slots, assign};
use super::plan::{Draft, Id, Origin, Planner, Value, WHOLE};
use super::value::{Data, Kernel, Kind, Operand, Place, Spread};
use crate::OnnxError;
use crate::graph::Node;
use crate::tensor::volume;

/// One kernel with its operands.
#[derive(Debug)]
pub(crate) struct Step {
    /// The node, for errors.
    pub node: String,
    /// What runs.
    pub kernel: Box<dyn Kernel>,
    /// What it reads.
    pub operands: Vec<Operand>,
    /// The slot, or the shared value, that it writes.
    pub target: usize,
    /// Number of elements written.
    pub len: usize,
}

/// What a model returns.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// Where it is.
    pub operand: Operand,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How it depends on the batch.
    pub spread: Spread,
}

/// A graph for given shapes, ready to run any number of times.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Constants, packed and folded.
    pub constants: Vec<Arc<Data>>,
    /// What is computed once in a run, whatever the parts of the batch.
    pub shared: Vec<Step>,
    /// What it is computed into.
    pub shared_sizes: Vec<(Kind, usize)>,
    /// What is computed for each part.
    pub steps: Vec<Step>,
    /// The workspace that a part needs.
    pub slots: Slots,
    /// The outputs.
    pub outputs: Vec<Output>,
    /// The first step that reads the input that is given late; the number of steps where there is none.
    pub pause: usize,
    /// Whether the batch may be run in parts.
    pub separable: bool,
}

impl Planner<'_> {
    /// Makes the plan; `late` is the input that comes after the others.
    pub(super) fn finish(mut self, late: Option<usize>) -> Result<Plan, OnnxError> {
        let mut outputs = Vec::new();
        for output in &self.graph.outputs {
            self.node.clone_from(&output.name);
            let id = self.names.get(output.name.as_str()).copied();
            let id = match (id, self.graph.constants.get(&output.name)) {
                (Some(id), _) => self.plain(id)?,
                (None, Some(constant)) => {
                    let nowhere = Node {
                        name: output.name.clone(),
                        domain: String::new(),
                        operator: "output".to_owned(),
                        inputs: Vec::new(),
                        outputs: Vec::new(),
                        attributes: std::collections::BTreeMap::new(),
                    };
                    self.constant_of(&nowhere, constant, Some(&output.name))?
                }
                (None, None) => {
                    return Err(OnnxError::Malformed(format!("output {:?} comes from nowhere", output.name)));
                }
            };
            outputs.push(id);
        }
        self.arrange(&outputs, late)
    }

    /// Drops steps that nothing reads, takes out what all rows share, and gives every value its place.
    fn arrange(mut self, outputs: &[Id], late: Option<usize>) -> Result<Plan, OnnxError> {
        let count = self.steps.len();
        let step_of = |values: &[Value], id: Id| match values[id].origin {
            Origin::Step(s) => Some(s),
            _ => None,
        };
        let mut alive = vec![false; count];
        for id in outputs {
            if let Some(s) = step_of(&self.values, *id) {
                alive[s] = true;
            }
        }
        for s in (0..count).rev() {
            if alive[s] {
                for id in &self.steps[s].operands {
                    if let Some(before) = step_of(&self.values, *id) {
                        alive[before] = true;
                    }
                }
            }
        }
        // What the late input reaches comes after the rest.
        let mut after = vec![false; count];
        for s in 0..count {
            after[s] = self.steps[s].operands.iter().any(|id| match self.values[*id].origin {
                Origin::Input(i) => late == Some(i),
                Origin::Step(before) => after[before],
                Origin::Constant(_) => false,
            });
        }
        let divided = self.rows() != WHOLE;
        let shared: Vec<bool> = (0..count)
            .map(|s| divided && self.values[self.steps[s].result].spread == Spread::Uniform && !after[s])
            .collect();
        let shared_order: Vec<usize> = (0..count).filter(|s| alive[*s] && shared[*s]).collect();
        let early = (0..count).filter(|s| alive[*s] && !shared[*s] && !after[*s]);
        let order: Vec<usize> = early.chain((0..count).filter(|s| alive[*s] && after[*s])).collect();
        let pause = order.iter().position(|s| after[*s]).unwrap_or(order.len());

        let mut places = vec![Place::Slot(usize::MAX); count];
        for (i, s) in shared_order.iter().enumerate() {
            places[*s] = Place::Shared(i);
        }
        let position: HashMap<usize, usize> = order.iter().enumerate().map(|(at, s)| (*s, at)).collect();
        let mut last = vec![0usize; order.len()];
        for (at, s) in order.iter().enumerate() {
            last[at] = last[at].max(at);
            for id in &self.steps[*s].operands {
                if let Some(p) = step_of(&self.values, *id).and_then(|s| position.get(&s)) {
                    last[*p] = at;
                }
            }
        }
        for id in outputs {
            if let Some(p) = step_of(&self.values, *id).and_then(|s| position.get(&s)) {
                last[*p] = usize::MAX;
            }
        }
        let sizes: Vec<(Kind, usize)> = order
            .iter()
            .map(|s| {
                let value = &self.values[self.steps[*s].result];
                (value.kind, volume(&value.shape).unwrap_or(0))
            })
            .collect();
        let scratch = self.steps.iter().map(|s| s.kernel.scratch()).max().unwrap_or(0);
        let (slots, assigned) = assign(&sizes, &last, scratch);
        if slots.bytes() > self.memory {
            self.node = self.graph.outputs.first().map(|o| o.name.clone()).unwrap_or_default();
            return Err(self.too_much(slots.bytes()));
        }
        for (s, slot) in order.iter().zip(assigned) {
            places[*s] = Place::Slot(slot);
        }

        let outputs = outputs
            .iter()
            .map(|id| Output {
                operand: self.operand(*id, &places),
                shape: self.values[*id].shape.clone(),
                spread: self.values[*id].spread,
            })
            .collect();
        let shared_sizes = shared_order
            .iter()
            .map(|s| {
                let value = &self.values[self.steps[*s].result];
                (value.kind, volume(&value.shape).unwrap_or(0))
            })
            .collect();
        let operands: Vec<Vec<Operand>> = self
            .steps
            .iter()
            .map(|s| s.operands.iter().map(|id| self.operand(*id, &places)).collect())
            .collect();
        let mut drafts: Vec<Option<Draft>> = self.steps.into_iter().map(Some).collect();
        let mut take = |order: &[usize]| -> Vec<Step> {
            order
                .iter()
                .filter_map(|s| {
                    let Draft { node, kernel, result, .. } = drafts[*s].take()?;
                    let (Place::Slot(target) | Place::Shared(target)) = places[*s] else { return None };
                    let len = volume(&self.values[result].shape).unwrap_or(0);
                    Some(Step { node, kernel, operands: operands[*s].clone(), target, len })
                })
                .collect()
        };
        Ok(Plan {
            shared: take(&shared_order),
            steps: take(&order),
            constants: self.constants,
            shared_sizes,
            slots,
            outputs,
            pause,
            separable: self.separable,
        })
    }
}
