//! Where each piece of a derived text came from.

use std::ops::Range;

/// Maps byte ranges of a derived text to byte ranges of the text that was given.
///
/// A list of pieces in the order of the derived text. Inside a piece that was copied, places map one to
/// one; a piece that was decoded maps as a whole. Bytes that left no trace (invisible characters) belong
/// to no piece, so a range over them maps to the bytes around and between.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpanMap {
    pieces: Option<Vec<Piece>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    out: Range<usize>,
    source: Range<usize>,
    copied: bool,
}

/// Pieces ahead that are looked at one by one.
const NEAR: usize = 4;

impl Piece {
    /// Where the part of a range that lies in the piece came from.
    fn source_of(&self, range: Range<usize>) -> Range<usize> {
        if !self.copied {
            return self.source.clone();
        }
        let start = range.start.max(self.out.start) - self.out.start;
        let end = range.end.clamp(self.out.start + start, self.out.end) - self.out.start;
        self.source.start + start..self.source.start + end
    }
}

impl SpanMap {
    /// The derived text has the source's bytes, place by place.
    #[must_use]
    pub const fn identity() -> Self {
        Self { pieces: None }
    }

    /// The bytes of the source that `range` of the derived text came from.
    #[must_use]
    pub fn source(&self, range: Range<usize>) -> Range<usize> {
        let Some(pieces) = &self.pieces else { return range };
        let from = pieces.partition_point(|p| p.out.end <= range.start);
        let until = pieces.partition_point(|p| p.out.start < range.end.max(range.start.saturating_add(1)));
        let mut found: Option<Range<usize>> = None;
        for piece in pieces.get(from..until).unwrap_or_default() {
            let source = piece.source_of(range.clone());
            found = Some(found.map_or(source.clone(), |f| f.start.min(source.start)..f.end.max(source.end)));
        }
        found.unwrap_or_else(|| {
            let end = pieces.last().map_or(0, |p| p.source.end);
            end..end
        })
    }

    /// This map, for a text derived from one that `inner` maps to the source.
    pub(super) fn through(self, inner: &Self) -> Self {
        let Some(pieces) = self.pieces else { return inner.clone() };
        let Some(inner_pieces) = &inner.pieces else { return Self { pieces: Some(pieces) } };
        let mut builder = SpanBuilder::default();
        // Pieces nearly always come in the order of the text they were made of.
        let mut at = 0_usize;
        for piece in pieces {
            if !piece.copied {
                builder.push(piece.out.len(), inner.source(piece.source), false);
                continue;
            }
            // A copied piece may lie over many pieces of the inner map.
            let is_before = |p: &Piece| p.out.end <= piece.source.start;
            let is_here = at.checked_sub(1).is_none_or(|last| inner_pieces.get(last).is_some_and(is_before))
                && !inner_pieces.get(at + NEAR).is_some_and(is_before);
            if !is_here {
                at = inner_pieces.partition_point(is_before);
            }
            while inner_pieces.get(at).is_some_and(is_before) {
                at += 1;
            }
            let mut start = piece.source.start;
            while start < piece.source.end {
                let Some(below) = inner_pieces.get(at) else {
                    builder.push(piece.source.end - start, inner.source(start..piece.source.end), false);
                    break;
                };
                let end = below.out.end.min(piece.source.end);
                builder.push(end - start, below.source_of(start..end), below.copied);
                start = end;
                // What is left of it may belong to the next piece.
                at += usize::from(below.out.end <= end);
            }
        }
        builder.finish()
    }
}

/// Builds a map while the derived text is written.
#[derive(Debug, Default)]
pub(super) struct SpanBuilder {
    pieces: Vec<Piece>,
    written: usize,
}

impl SpanBuilder {
    /// `bytes` more bytes were written and came from `source`.
    pub(super) fn push(&mut self, bytes: usize, source: Range<usize>, copied: bool) {
        if bytes == 0 {
            return;
        }
        let copied = copied && bytes == source.len();
        let out = self.written..self.written + bytes;
        self.written = out.end;
        match self.pieces.last_mut() {
            Some(last) if last.copied && copied && last.source.end == source.start => {
                last.out.end = out.end;
                last.source.end = source.end;
            }
            _ => self.pieces.push(Piece { out, source, copied }),
        }
    }

    pub(super) fn finish(self) -> SpanMap {
        SpanMap { pieces: Some(self.pieces) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_through_two_layers() {
        // "AB\u{200b}CD" lost three bytes, then "BC" was decoded to "x".
        let mut inner = SpanBuilder::default();
        inner.push(2, 0..2, true);
        inner.push(2, 5..7, true);
        let inner = inner.finish();
        assert_eq!(inner.source(1..3), 1..6);
        assert_eq!(inner.source(2..3), 5..6);
        let mut outer = SpanBuilder::default();
        outer.push(1, 0..1, true);
        outer.push(1, 1..3, false);
        outer.push(1, 3..4, true);
        let both = outer.finish().through(&inner);
        assert_eq!(both.source(0..1), 0..1);
        assert_eq!(both.source(1..2), 1..6);
        assert_eq!(both.source(2..3), 6..7);
        assert_eq!(both.source(9..12), 7..7);
    }
}
