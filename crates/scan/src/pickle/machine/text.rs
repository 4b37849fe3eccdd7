//! Where the texts and bytes of opcodes lie, and how they are written there.

use proofhouse_artifact::pickle::{Arg, Op, code};

use super::Machine;
use crate::pickle::value::{Coding, Span, Value};

impl<'a> Machine<'a> {
    pub(super) fn string(&self, op: &Op<'a>) -> Result<Value, String> {
        let span = self.span(op);
        Ok(match op.code {
            code::STRING => {
                let line = self.bytes.get(span.start..span.end).unwrap_or_default();
                let trimmed = line.trim_ascii_end();
                let quoted = trimmed.len() >= 2
                    && trimmed.first() == trimmed.last()
                    && matches!(trimmed.first(), Some(b'\'' | b'"'));
                if !quoted {
                    return Err("a STRING argument is not quoted".to_owned());
                }
                let inner = Span { start: span.start + 1, end: span.start + trimmed.len() - 1 };
                Value::Text(inner, Coding::Escaped)
            }
            code::UNICODE => Value::Text(span, Coding::RawUnicode),
            _ => Value::Text(span, Coding::Utf8),
        })
    }

    /// Where the argument of `op` lies.
    pub(super) fn span(&self, op: &Op<'a>) -> Span {
        let (Arg::Bytes(arg) | Arg::Line(arg)) = op.arg else {
            return Span { start: op.end, end: op.end };
        };
        match op.arg {
            // A line starts after the opcode; counted bytes end where the opcode ends.
            Arg::Line(_) => Span { start: op.offset + 1, end: op.offset + 1 + arg.len() },
            _ => Span { start: op.end - arg.len(), end: op.end },
        }
    }
}
