//! What is looked for in the bytes of a tensor, whatever format they lie in.
//!
//! A walker says where a tensor lies and how its elements are stored; here it is told whether those bytes are numbers:
//! whether they are by their structure something that runs, and what the numbers tell ([`crate::weights`]). Every element
//! is looked at; those of the file itself when all its bytes are read, so that they are in a cache already.

use std::collections::VecDeque;
use std::ops::Range;

use proofhouse_core::Place;

use crate::content;
use crate::formats::{kept, payload, shell};
use crate::scanner::{Content, Scanner};
use crate::weights::{Elements, Float, characters};

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

/// Looks at the tensors of a content, as far as every byte is to be read. `rule` names what a tensor that is something
/// else is a finding of. Tensors of the file itself are looked at when its bytes are read.
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
    for tensor in tensors {
        let elements = tensor.float.map(|float| Elements::new(float, numbers));
        let place = place(content, tensor);
        if content.depth == 0 {
            let range = tensor.at..tensor.at.saturating_add(tensor.bytes.len() as u64);
            scanner.tensors.push(Waiting { range, rule, place, float: tensor.float, elements });
        } else {
            let (range, float) = (0..tensor.bytes.len() as u64, tensor.float);
            let mut waiting = Waiting { range, rule, place, float, elements };
            content::examples(scanner, &waiting.place, tensor.bytes);
            waiting.begin(scanner, tensor.bytes);
            waiting.see(tensor.bytes);
            waiting.end(scanner);
        }
    }
}

/// A tensor whose bytes are still to be read.
pub(crate) struct Waiting {
    /// Where it lies in the file.
    range: Range<u64>,
    rule: &'static str,
    place: Place,
    float: Option<Float>,
    elements: Option<Elements>,
}

/// Where the numbers of a file lie.
pub(crate) struct Ranges(Vec<Range<u64>>);

impl Ranges {
    pub(crate) fn new(tensors: &[Waiting]) -> Self {
        let mut ranges: Vec<Range<u64>> = tensors.iter().map(|tensor| tensor.range.clone()).collect();
        ranges.sort_by_key(|range| range.start);
        Self(ranges)
    }

    /// Whether a byte is part of a tensor. Of those that overlap, the last one counts: that they do is told of.
    pub(crate) fn hold(&self, at: usize) -> bool {
        let behind = self.0.partition_point(|range| range.start <= at as u64);
        let before = behind.checked_sub(1).and_then(|last| self.0.get(last));
        before.is_some_and(|range| range.contains(&(at as u64)))
    }
}

impl Waiting {
    /// What the beginning of its bytes tells.
    fn begin(&mut self, scanner: &mut Scanner<'_>, bytes: &[u8]) {
        let packed = || payload::compressed(bytes).then_some("a compressed stream");
        if let Some(what) = payload::kind(bytes).or_else(packed) {
            scanner.report(self.rule, self.place.clone(), format!("the tensor is {what}"));
        }
        if let Some(what) = payload::masked(bytes) {
            let message = format!("the tensor is {what} whose bytes are all exchanged by one mask");
            scanner.report(self.rule, self.place.clone(), message);
        }
        if let Some(bytes) = characters::bytes_of(bytes, self.float) {
            self.characters(scanner, &bytes);
        }
        if let Some(low) = self.float.and_then(|float| characters::lowest(bytes, float)) {
            kept::among(scanner, &self.place, &low, "the lowest bytes of its numbers");
            if let Some(what) = payload::kind(&low) {
                let message = format!("the lowest bytes of its numbers are {what}");
                scanner.report(self.rule, self.place.clone(), message);
            }
        }
        if let Some(elements) = &mut self.elements {
            elements.begin(bytes);
        }
    }

    /// What bytes are that are kept one in each element.
    fn characters(&self, scanner: &mut Scanner<'_>, bytes: &[u8]) {
        if let Some(what) = payload::kind(bytes) {
            let message = format!("the tensor is {what}, a byte in each element");
            scanner.report(self.rule, self.place.clone(), message);
        }
        let Some(text) = characters::text(bytes) else { return };
        content::packed_text(scanner, &self.place, text.as_bytes());
        kept::text(scanner, &self.place, "characters", &text);
        kept::evaluated(scanner, &self.place, "characters", &text, true);
        shell::sweep(scanner, &self.place, "characters", &text);
    }

    fn see(&mut self, bytes: &[u8]) {
        if let Some(elements) = &mut self.elements {
            elements.see(bytes);
        }
    }

    fn end(self, scanner: &mut Scanner<'_>) {
        for odd in self.elements.map(Elements::odd).unwrap_or_default() {
            scanner.report(odd.rule(), self.place.clone(), odd.to_string());
        }
    }
}

/// How often bytes may be part of a tensor. Formats have no tensors that overlap, so that more is a file made to be
/// slow; that they do is a finding of the format.
const MAX_SHARED: u64 = 2;

/// The tensors of a file, in the order of their bytes, as those are read.
pub(crate) struct Pass {
    waiting: VecDeque<Waiting>,
    /// Those whose bytes have begun, and not ended.
    open: Vec<Waiting>,
    left: u64,
}

impl Pass {
    /// Over a file of `size` bytes.
    pub(crate) fn new(mut tensors: Vec<Waiting>, size: u64) -> Self {
        tensors.sort_by_key(|tensor| tensor.range.start);
        Self { waiting: tensors.into(), open: Vec::new(), left: size.saturating_mul(MAX_SHARED) }
    }

    /// Takes the bytes of `chunk` of the file.
    pub(crate) fn read(&mut self, scanner: &mut Scanner<'_>, file: &[u8], chunk: Range<u64>) {
        while let Some(mut tensor) = self.waiting.pop_front_if(|tensor| tensor.range.start < chunk.end) {
            tensor.begin(scanner, part(file, &tensor.range));
            self.open.push(tensor);
        }
        for mut tensor in std::mem::take(&mut self.open) {
            let bytes = tensor.whole_elements(&chunk);
            let length = bytes.end.saturating_sub(bytes.start);
            if length <= self.left {
                self.left -= length;
                tensor.see(part(file, &bytes));
            }
            if tensor.range.end <= chunk.end {
                tensor.end(scanner);
            } else {
                self.open.push(tensor);
            }
        }
    }
}

impl Waiting {
    /// The elements that begin in a part of the file.
    fn whole_elements(&self, chunk: &Range<u64>) -> Range<u64> {
        let width = self.elements.as_ref().map_or(1, Elements::width);
        let Range { start, end } = self.range;
        let from =
            |at: u64| (at.clamp(start, end) - start).next_multiple_of(width).saturating_add(start).min(end);
        from(chunk.start)..from(chunk.end)
    }
}

fn part<'a>(file: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    range.and_then(|(from, to)| file.get(from..to)).unwrap_or_default()
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
