//! Running a batch in parts.
//!
//! Parts are as many rows as fit the cache with all that is computed for them ([`CACHE`]), or more where the
//! weights are so large that reading them for a few rows would cost more than leaving the cache.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::arrange::{Output, Plan};
use super::plan::{Folded, Request, WHOLE, plan};
use super::value::{Data, Io, Kind, Memory, Spread, View, at_node};
use super::{Feedback, NativeOptions};
use crate::OnnxError;
use crate::graph::Graph;
use crate::tensor::volume;

/// Bytes that a part should need: what a core's second-level cache usually holds.
const CACHE: usize = 1 << 20;
/// A number of rows that nothing else in a graph is likely to be: what holds for it does not hold by chance.
const PROBE: usize = 61;

/// From the values of an output to those of the late input.
pub(crate) type Loss<'a> = &'a mut dyn FnMut(&[f32], &mut [f32]);

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub shapes: &'a [&'a [usize]],
    pub kinds: &'a [Kind],
    /// Whether an input's first dimension is the batch.
    pub batched: &'a [bool],
    pub late: Option<Feedback>,
}

impl Inputs<'_> {
    /// The number of rows, where all that have a batch have the same.
    fn rows(&self) -> Option<usize> {
        let mut rows =
            self.shapes.iter().zip(self.batched).filter(|(_, b)| **b).map(|(s, _)| s.first().copied());
        let first = rows.next()??;
        rows.all(|n| n == Some(first)).then_some(first)
    }

    fn plan(
        &self,
        graph: &Graph,
        rows: Option<usize>,
        memory: usize,
        folded: &Folded,
    ) -> Result<Plan, OnnxError> {
        let inputs: Vec<(Vec<usize>, Kind, Spread)> = self
            .shapes
            .iter()
            .zip(self.kinds)
            .zip(self.batched)
            .map(|((shape, kind), batched)| {
                let mut shape = shape.to_vec();
                let spread = match (rows, batched, shape.first_mut()) {
                    (Some(rows), true, Some(first)) => {
                        *first = rows;
                        Spread::Rows
                    }
                    _ => Spread::Uniform,
                };
                (shape, *kind, spread)
            })
            .collect();
        let late = self.late.map(|l| l.input);
        let request = Request { inputs: &inputs, rows: rows.unwrap_or(WHOLE), late, memory };
        let mut made = plan(graph, request, folded)?;
        made.separable &= rows.is_some();
        Ok(made)
    }
}

/// Plans for one batch size.
#[derive(Debug)]
pub(crate) struct Prepared {
    shapes: Vec<Vec<usize>>,
    late: Option<Feedback>,
    /// For all parts but the last, or for the whole.
    main: Arc<Planned>,
    /// For what is left over.
    tail: Option<Arc<Planned>>,
    /// How batches are divided; they cannot be where there is none.
    division: Option<Division>,
    /// Rows of the batch, and of a part.
    rows: usize,
    part: usize,
    /// Which inputs are divided.
    divided: Vec<bool>,
}

#[derive(Debug)]
struct Planned {
    rows: Option<usize>,
    plan: Plan,
    idle: Mutex<Vec<Workspace>>,
}

/// The buffers of one part.
#[derive(Debug)]
struct Workspace {
    slots: Vec<Data>,
    scratch: Vec<f32>,
}

impl Planned {
    const fn new(plan: Plan, rows: Option<usize>) -> Self {
        Self { rows, plan, idle: Mutex::new(Vec::new()) }
    }

    fn workspace(&self) -> Workspace {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| {
            let (slots, scratch) = self.plan.slots.allocate();
            Workspace { slots, scratch }
        })
    }

    fn give_back(&self, workspace: Workspace) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
    }
}

/// One part of a batch on its way.
struct Part<'a> {
    planned: &'a Planned,
    workspace: Workspace,
    inputs: Vec<View<'a>>,
    first: usize,
    rows: usize,
}

impl Part<'_> {
    fn run(&mut self, steps: std::ops::Range<usize>, shared: &[Data]) -> Result<(), OnnxError> {
        let plan = &self.planned.plan;
        for step in &plan.steps[steps] {
            let mut target = std::mem::replace(&mut self.workspace.slots[step.target], Data::Int(Vec::new()));
            let memory = Memory {
                constants: &plan.constants,
                shared,
                inputs: &self.inputs,
                slots: &self.workspace.slots,
            };
            let io = Io { memory, operands: &step.operands };
            let done = step.kernel.run(&io, target.out(step.len), &mut self.workspace.scratch);
            self.workspace.slots[step.target] = target;
            done.map_err(|why| at_node(&step.node, why))?;
        }
        Ok(())
    }

    fn output<'a>(&'a self, output: &Output, shared: &'a [Data]) -> View<'a> {
        let memory = Memory {
            constants: &self.planned.plan.constants,
            shared,
            inputs: &self.inputs,
            slots: &self.workspace.slots,
        };
        memory.view(output.operand)
    }
}

impl Prepared {
    /// Plans for inputs of these shapes. Plans that are there for parts of the same size are shared, and their
    /// buffers with them: an attack that drops row after row needs one new plan at most each time.
    pub(crate) fn new(
        graph: &Graph,
        inputs: &Inputs<'_>,
        folded: &Folded,
        options: &NativeOptions,
        held: &[Arc<Self>],
    ) -> Result<Self, OnnxError> {
        let limit = usize::try_from(options.max_memory).unwrap_or(usize::MAX);
        let threads = options.threads.max(1);
        let rows = inputs.rows();
        let kin: Vec<&Prepared> = held.iter().map(Arc::as_ref).filter(|p| p.is_kin(inputs)).collect();
        let planned = |rows: Option<usize>| -> Result<Arc<Planned>, OnnxError> {
            let known = kin.iter().flat_map(|p| [Some(&p.main), p.tail.as_ref()]).flatten();
            match known.into_iter().find(|p| p.rows == rows) {
                Some(known) => Ok(Arc::clone(known)),
                None => Ok(Arc::new(Planned::new(inputs.plan(graph, rows, limit, folded)?, rows))),
            }
        };
        let division = match (rows, kin.first()) {
            (None, _) => None,
            (_, Some(kin)) => kin.division,
            _ => Division::of(graph, inputs, limit, folded),
        };
        let whole = rows.unwrap_or(0);
        let mut part = division.map_or(whole, |d| d.part(whole, limit, threads, inputs.late.is_some()));
        let mut main = planned(rows.map(|_| part))?;
        if part < whole && !main.plan.separable {
            part = whole;
            main = planned(rows)?;
        }
        let tail = match whole.checked_rem(part) {
            None | Some(0) => None,
            left => Some(planned(left)?),
        };
        let parts = whole.checked_div(part).unwrap_or(1).max(1);
        let kept = if inputs.late.is_some() { parts } else { threads.min(parts) };
        let outputs = main
            .plan
            .outputs
            .iter()
            .map(|o| {
                volume(&o.shape).unwrap_or(usize::MAX).saturating_mul(if o.spread == Spread::Rows {
                    parts
                } else {
                    1
                })
            })
            .fold(0usize, usize::saturating_add);
        let shared = main.plan.shared_sizes.iter().map(|(k, n)| k.bytes() * n).fold(0, usize::saturating_add);
        let bytes = main
            .plan
            .slots
            .bytes()
            .saturating_mul(kept)
            .saturating_add(outputs.saturating_mul(4))
            .saturating_add(shared);
        if bytes > limit {
            let node = graph.outputs.first().map(|o| o.name.clone()).unwrap_or_default();
            return Err(OnnxError::Memory { node, bytes: bytes as u64, limit: limit as u64 });
        }
        Ok(Self {
            shapes: inputs.shapes.iter().map(|s| s.to_vec()).collect(),
            late: inputs.late,
            divided: inputs.batched.to_vec(),
            main,
            tail,
            division,
            rows: whole,
            part,
        })
    }

    /// Whether it was made for these shapes.
    pub(crate) fn is_for(&self, shapes: &[&[usize]], late: Option<Feedback>) -> bool {
        self.late == late && self.shapes.iter().map(Vec::as_slice).eq(shapes.iter().copied())
    }

    /// Whether it was made for inputs that are the same but for the rows of the batch.
    fn is_kin(&self, inputs: &Inputs<'_>) -> bool {
        let alike = |((own, other), batched): ((&Vec<usize>, &&[usize]), &bool)| {
            let from = usize::from(*batched);
            own.len() == other.len() && own.get(from..) == other.get(from..)
        };
        self.late == inputs.late
            && self.main.rows.is_some() == inputs.rows().is_some()
            && self.shapes.iter().zip(inputs.shapes).zip(inputs.batched).all(alike)
    }

    /// The shapes of the outputs.
    pub(crate) fn shapes(&self) -> Result<Vec<Vec<usize>>, OnnxError> {
        let shape = |o: &Output| {
            let mut shape = o.shape.clone();
            if o.spread == Spread::Rows
                && self.main.plan.separable
                && let Some(first) = shape.first_mut()
            {
                *first = self.rows;
            }
            shape
        };
        Ok(self.main.plan.outputs.iter().map(shape).collect())
    }

    /// Runs the batch.
    pub(crate) fn run(
        &self,
        pool: Option<&rayon::ThreadPool>,
        inputs: &[View<'_>],
        feedback: Option<(Feedback, Loss<'_>)>,
        outputs: &mut Vec<Vec<f32>>,
    ) -> Result<(), OnnxError> {
        let shared = self.shared(inputs)?;
        let count = self.rows.div_ceil(self.part.max(1)).max(1);
        outputs.resize_with(self.main.plan.outputs.len(), Vec::new);
        for (buffer, shape) in outputs.iter_mut().zip(self.shapes()?) {
            buffer.clear();
            buffer.resize(volume(&shape).unwrap_or(0), 0.0);
        }
        let Some((place, feedback)) = feedback else {
            // As many parts at a time as there are threads; their results are taken in order.
            let wave = pool.map_or(1, rayon::ThreadPool::current_num_threads);
            for first in (0..count).step_by(wave) {
                let mut parts: Vec<Part<'_>> =
                    (first..(first + wave).min(count)).map(|i| self.begin(i, inputs)).collect();
                each(pool, &mut parts, |part| part.run(0..part.planned.plan.steps.len(), &shared))?;
                for part in parts {
                    self.collect(&part, &shared, outputs, None)?;
                    part.planned.give_back(part.workspace);
                }
            }
            return Ok(());
        };
        let mut parts: Vec<Part<'_>> = (0..count).map(|i| self.begin(i, inputs)).collect();
        let (input, output) = (place.input, place.output);
        each(pool, &mut parts, |part| part.run(0..part.planned.plan.pause, &shared))?;
        for part in &parts {
            self.collect(part, &shared, outputs, Some(output))?;
        }
        let mut late = vec![0.0; outputs[output].len()];
        feedback(&outputs[output], &mut late);
        let late = &late[..];
        let mut parts: Vec<Part<'_>> = parts
            .into_iter()
            .map(|part| {
                let mut inputs = part.inputs;
                inputs[input] = self.divide(input, View::Float(late), part.first, part.rows);
                Part { inputs, ..part }
            })
            .collect();
        each(pool, &mut parts, |part| {
            part.run(part.planned.plan.pause..part.planned.plan.steps.len(), &shared)
        })?;
        for part in parts {
            self.collect(&part, &shared, outputs, None)?;
            part.planned.give_back(part.workspace);
        }
        Ok(())
    }

    /// What is computed once. It is the same for all parts, so any part's plan has it.
    fn shared(&self, inputs: &[View<'_>]) -> Result<Vec<Data>, OnnxError> {
        let plan = &self.main.plan;
        let mut shared: Vec<Data> = Vec::with_capacity(plan.shared.len());
        if plan.shared.is_empty() {
            return Ok(shared);
        }
        let mut workspace = self.main.workspace();
        for (step, (kind, len)) in plan.shared.iter().zip(&plan.shared_sizes) {
            let mut target = Data::zeros(*kind, *len);
            let memory = Memory { constants: &plan.constants, shared: &shared, inputs, slots: &[] };
            let io = Io { memory, operands: &step.operands };
            step.kernel
                .run(&io, target.out(step.len), &mut workspace.scratch)
                .map_err(|why| at_node(&step.node, why))?;
            shared.push(target);
        }
        self.main.give_back(workspace);
        Ok(shared)
    }

    fn begin<'a>(&'a self, index: usize, inputs: &[View<'a>]) -> Part<'a> {
        let first = index * self.part;
        let rows = self.part.min(self.rows - first);
        let planned = match &self.tail {
            Some(tail) if rows < self.part => tail,
            _ => &self.main,
        };
        let inputs = inputs.iter().enumerate().map(|(i, view)| self.divide(i, *view, first, rows)).collect();
        Part { planned, workspace: planned.workspace(), inputs, first, rows }
    }

    /// The rows of an input that belong to a part.
    fn divide<'a>(&self, i: usize, view: View<'a>, first: usize, rows: usize) -> View<'a> {
        if !self.divided[i] || self.part == self.rows {
            return view;
        }
        let row: usize = self.shapes[i].iter().skip(1).product();
        match view {
            // The late input has no values before it is there.
            View::Float([]) => view,
            View::Float(v) => View::Float(&v[first * row..(first + rows) * row]),
            View::Int(v) => View::Int(&v[first * row..(first + rows) * row]),
        }
    }

    /// Takes the outputs of a part: all, or one that is there early.
    fn collect(
        &self,
        part: &Part<'_>,
        shared: &[Data],
        outputs: &mut [Vec<f32>],
        only: Option<usize>,
    ) -> Result<(), OnnxError> {
        for (i, output) in part.planned.plan.outputs.iter().enumerate() {
            if only.is_some_and(|only| only != i) {
                continue;
            }
            let divided = output.spread == Spread::Rows && self.part != self.rows;
            let len = output.operand.len;
            let at = if divided { part.first * (len / part.rows.max(1)) } else { 0 };
            let target = &mut outputs[i][at..at + len];
            match part.output(output, shared) {
                View::Float(v) if output.spread == Spread::Sum && part.first > 0 => {
                    target.iter_mut().zip(v).for_each(|(t, v)| *t += v);
                }
                View::Float(v) => target.copy_from_slice(v),
                View::Int(v) => {
                    for (target, value) in target.iter_mut().zip(v) {
                        // float32 carries every integer up to 2^24.
                        if value.unsigned_abs() > 1 << 24 {
                            return Err(OnnxError::Inexact { tensor: format!("#{i}"), value: *value });
                        }
                        *target = *value as f32;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Runs parts, on threads where there are some. The first error of the first part is returned.
fn each<'a>(
    pool: Option<&rayon::ThreadPool>,
    parts: &mut [Part<'a>],
    run: impl Fn(&mut Part<'a>) -> Result<(), OnnxError> + Sync,
) -> Result<(), OnnxError> {
    match pool {
        Some(pool) if parts.len() > 1 => {
            let results: Vec<Result<(), OnnxError>> =
                pool.install(|| parts.par_iter_mut().map(&run).collect());
            results.into_iter().collect()
        }
        _ => parts.iter_mut().try_for_each(run),
    }
}

/// What decides how many rows a part has.
#[derive(Debug, Clone, Copy)]
struct Division {
    /// Bytes that a row needs.
    row: usize,
    /// Rows that stay in the cache, or that make the reading of the weights worth while.
    fits: usize,
    /// Whether there are sums over the batch. They are added up part by part, so parts must not depend on threads.
    sums: bool,
}

impl Division {
    /// `None` where a batch cannot be run in parts.
    fn of(graph: &Graph, inputs: &Inputs<'_>, limit: usize, folded: &Folded) -> Option<Self> {
        // What is wrong with a graph shows again with the rows that there are.
        let probe = inputs.plan(graph, Some(PROBE), limit.saturating_mul(PROBE), folded).ok()?;
        if !probe.separable {
            return None;
        }
        let weights = probe.constants.iter().map(|c| c.len().saturating_mul(4));
        let shared = probe.shared_sizes.iter().map(|(k, n)| k.bytes() * n);
        let read = weights.chain(shared).fold(0, usize::saturating_add);
        let row = (probe.slots.bytes() / PROBE).max(1);
        let sums = probe.outputs.iter().any(|o| o.spread == Spread::Sum);
        Some(Self { row, fits: (CACHE.max(read) / row).max(1), sums })
    }

    fn part(self, rows: usize, limit: usize, threads: usize, late: bool) -> usize {
        let share = if self.sums { rows } else { rows.div_ceil(threads) };
        let bounded = limit / self.row / if late { 1 } else { threads };
        self.fits.min(share).min(bounded).max(usize::from(rows > 0))
    }
}
