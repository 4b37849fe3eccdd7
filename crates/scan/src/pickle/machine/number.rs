//! Numbers as the opcodes write them.

use proofhouse_artifact::pickle::{Arg, Op, code};

use super::super::value::Value;

/// The value of a number opcode; one beyond 64 bits is only known to be a number.
pub(super) fn number(op: &Op<'_>) -> Result<Value, String> {
    Ok(match op.arg {
        Arg::Int(n) => Value::Int(n),
        Arg::Float(_) => Value::Number,
        Arg::Bytes(bytes) if bytes.len() <= 8 => {
            let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
            let fill = if negative { 0xff } else { 0 };
            let mut wide = [fill; 8];
            for (slot, byte) in wide.iter_mut().zip(bytes) {
                *slot = *byte;
            }
            Value::Int(i64::from_le_bytes(wide))
        }
        Arg::Line(line) => {
            let text = std::str::from_utf8(line).map_err(|_| "a number is not ASCII")?.trim();
            match (op.code, text) {
                (code::INT, "00") => Value::Bool(false),
                (code::INT, "01") => Value::Bool(true),
                (code::FLOAT, _) => {
                    text.replace('_', "").parse::<f64>().map_err(|_| "a FLOAT argument is no number")?;
                    Value::Number
                }
                _ => integer(text.strip_suffix('L').unwrap_or(text))?,
            }
        }
        _ => Value::Number,
    })
}

/// `int(text, 0)`.
fn integer(text: &str) -> Result<Value, String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (digits, radix) = match digits.get(..2) {
        Some("0x" | "0X") => (digits.get(2..).unwrap_or_default(), 16),
        Some("0o" | "0O") => (digits.get(2..).unwrap_or_default(), 8),
        Some("0b" | "0B") => (digits.get(2..).unwrap_or_default(), 2),
        _ => (digits, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c == '_' || c.is_digit(radix)) {
        return Err("an INT argument is no number".to_owned());
    }
    let value = i64::from_str_radix(&digits.replace('_', ""), radix);
    Ok(value.map_or(Value::Number, |n| Value::Int(if text.starts_with('-') { -n } else { n })))
}

/// A memo index.
pub(super) fn index(op: &Op<'_>) -> Result<u64, String> {
    let value = number(op)?;
    match value {
        Value::Int(n) => u64::try_from(n).map_err(|_| "a memo index is below zero".to_owned()),
        _ => Err("a memo index is beyond what can be allocated".to_owned()),
    }
}
