//! Code that is being walked: what it calls and names, and a digest of all that runs of it.

use std::collections::BTreeSet;

use proofhouse_core::Hasher;

use super::{Code, NoteKind};

/// Names that are kept of one call or function.
const MOST_NAMES: usize = 10_000;

/// A call, a promise or a function under way.
pub(super) struct Capture {
    pub(super) kind: Kind,
    pub(super) offset: u64,
    pub(super) code: Code,
    hasher: Option<Hasher>,
    /// Levels of what is no part of the code: where it stood in its source.
    pub(super) muted: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Call,
    Promise,
    Function,
}

impl Capture {
    pub(super) fn new(kind: Kind, offset: u64) -> Self {
        let hasher = (kind == Kind::Function).then(|| Hasher::with_domain("proofhouse/r-function"));
        Self { kind, offset, code: Code::default(), hasher, muted: 0 }
    }

    /// Takes part of the code into its digest.
    pub(super) fn mark(&mut self, tag: u8, bytes: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&[tag]);
            hasher.field(bytes);
        }
    }

    /// Something that the digest cannot tell from something else.
    pub(super) fn opaque(&mut self) {
        self.code.opaque = true;
        self.hasher = None;
    }

    pub(super) fn calls(&mut self, name: &str) {
        Self::keep(&mut self.code.called, name, &mut self.code.opaque);
    }

    pub(super) fn names(&mut self, name: &str) {
        Self::keep(&mut self.code.named, name, &mut self.code.opaque);
    }

    fn keep(names: &mut BTreeSet<String>, name: &str, more: &mut bool) {
        if names.len() < MOST_NAMES {
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        } else {
            *more = true;
        }
    }

    /// What the code is, all of it read.
    pub(super) fn finish(mut self) -> NoteKind {
        self.code.digest = self.hasher.map(Hasher::finish);
        match self.kind {
            Kind::Call => NoteKind::Call(self.code),
            Kind::Promise => NoteKind::Promise(self.code),
            Kind::Function => NoteKind::Closure(self.code),
        }
    }
}
