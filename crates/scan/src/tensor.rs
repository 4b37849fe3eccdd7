//! What is looked for in the bytes of a tensor, whatever format they lie in.
//!
//! A walker says where a tensor lies and how its elements are stored; here it is told whether those bytes are numbers:
//! whether they are by their structure something that runs, and what the numbers tell ([`crate::weights`]). Tensors of
//! one file are looked at side by side, and a file of many has so many elements of each looked at that the whole stays
//! a fraction of what its digest takes.

use proofhouse_core::Place;
use rayon::prelude::*;

use crate::formats::payload;
use crate::scanner::{Content, Scanner};
use crate::weights::{self, Float};

/// One tensor: what it is called, where it begins in the content, and its bytes.
pub(crate) struct Tensor<'a> {
    pub(crate) name: &'a str,
    pub(crate) at: u64,
    pub(crate) bytes: &'a [u8],
    /// How elements are stored; `None` for whole numbers, packed ones, and those in another byte order.
    pub(crate) float: Option<Float>,
}

/// What a file's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Weights of a model: none is missing, none is far beyond all others.
    Weights,
    /// Arrays of anything: measurements are missing, and have any size.
    Data,
}

/// Elements that are looked at of one file, spread over its tensors.
const MAX_ELEMENTS: usize = 1 << 23;
/// Of one tensor at most, from its beginning, and at least, however many there are.
const MOST_OF_ONE: usize = 1 << 18;
const LEAST_OF_ONE: usize = 1 << 14;
/// Tensors that are looked at side by side before what was read of them is given back: asking what a tensor is reads
/// its two ends and a few places between, and a system may map megabytes around each.
const BATCH: usize = 2;

/// Looks at the tensors of a content, as far as every byte is to be read. `rule` names what a tensor that is something
/// else is a finding of.
pub(crate) fn look(
    scanner: &mut Scanner<'_>,
    content: &Content<'_>,
    rule: &'static str,
    numbers: Numbers,
    tensors: &[Tensor<'_>],
) {
    if !scanner.limits.content {
        return;
    }
    let each = (MAX_ELEMENTS / tensors.len().max(1)).clamp(LEAST_OF_ONE, MOST_OF_ONE);
    let told = |tensor: &Tensor<'_>| {
        let odd =
            tensor.float.map(|float| weights::odd(tensor.bytes, float, each, numbers)).unwrap_or_default();
        (payload::kind(tensor.bytes), odd)
    };
    // Few and small tensors are not worth a second thread.
    let bytes: usize = tensors.iter().map(|t| t.bytes.len()).sum();
    let mut found: Vec<_> = Vec::new();
    for batch in tensors.chunks(BATCH) {
        if bytes < 1 << 20 {
            found.extend(batch.iter().map(told));
            continue;
        }
        found.par_extend(batch.par_iter().map(told));
        for tensor in batch {
            let at = usize::try_from(tensor.at).unwrap_or(usize::MAX);
            scanner.released(content, at..at.saturating_add(tensor.bytes.len()));
        }
    }
    for (tensor, (what, odd)) in tensors.iter().zip(found) {
        let place = || place(content, tensor);
        if let Some(what) = what {
            scanner.report(rule, place(), format!("the tensor is {what}"));
        }
        for odd in odd {
            scanner.report(odd.rule(), place(), odd.to_string());
        }
    }
}

fn place(content: &Content<'_>, tensor: &Tensor<'_>) -> Place {
    let name = match (&content.place.member, tensor.name) {
        (Some(outer), "") => outer.clone(),
        (Some(outer), name) => format!("{outer}!{name}"),
        (None, "") => return content.at(tensor.at),
        (None, name) => name.to_owned(),
    };
    content.place.clone().within(name).at(tensor.at)
}
