//! Arrow's messages between processes, as streams and as files (Feather 2): each message is a table that says how long
//! its buffers are, and the buffers behind it.
//!
//! Source: Arrow columnar format 1.5, "Serialization and Interprocess Communication"; `Message.fbs`.

use std::ops::Range;

use crate::ArtifactError;
use crate::cursor::Cursor;
use crate::flatbuffer::Table;

const FORMAT: &str = "Arrow";
/// What files begin and end with.
const MAGIC: &[u8] = b"ARROW1";
/// Messages of one stream.
const MOST: usize = 1 << 20;
/// Longest description of a message.
const LONGEST: u32 = 64 << 20;

/// What a stream or a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrow {
    /// Where the descriptions of its messages lie; the first is the schema.
    pub messages: Vec<Range<usize>>,
    /// First byte behind the last message, and behind the footer of a file.
    pub end: u64,
}

/// Whether bytes are a stream or a file of Arrow, by their first message.
#[must_use]
pub fn is_arrow(bytes: &[u8]) -> bool {
    let start = if bytes.starts_with(MAGIC) { 8 } else { 0 };
    let mut cursor = Cursor::new(FORMAT, bytes.get(start..).unwrap_or_default(), start as u64);
    // The first message is a schema, which has no buffers.
    matches!(message(&mut cursor), Ok(Some(Message { schema: true, body: 0, .. })))
}

struct Message {
    place: Range<usize>,
    schema: bool,
    body: u64,
}

/// Walks the messages to the end of the stream.
///
/// # Errors
/// A message contradicts itself or leads beyond the end, or there are more than are looked at.
pub fn walk(bytes: &[u8]) -> Result<Arrow, ArtifactError> {
    let file = bytes.starts_with(MAGIC);
    let start = if file { 8 } else { 0 };
    let mut cursor = Cursor::new(FORMAT, bytes.get(start..).unwrap_or_default(), start as u64);
    let mut out = Arrow::default();
    while cursor.left() > 0 {
        let Some(message) = message(&mut cursor)? else { break };
        if out.messages.len() >= MOST {
            return Err(ArtifactError::Limit { format: FORMAT, what: "messages", limit: MOST as u64 });
        }
        out.messages.push(message.place);
        cursor.take(message.body)?;
    }
    if file {
        // The footer, its length, and the magic number once more.
        let length = bytes.len().checked_sub(10).and_then(|at| bytes.get(at..)?.first_chunk());
        let length = length.map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
        if !bytes.ends_with(MAGIC) || cursor.left() != length + 10 {
            return Err(cursor.error("the footer does not begin where the messages end"));
        }
        let at = usize::try_from(cursor.offset()).unwrap_or(usize::MAX);
        out.messages.push(at..bytes.len() - 10);
        cursor.take(length + 10)?;
    }
    out.end = cursor.offset();
    Ok(out)
}

/// The next message; `None` at the mark that ends a stream.
fn message(cursor: &mut Cursor<'_>) -> Result<Option<Message>, ArtifactError> {
    let mut length = cursor.u32()?;
    // Before 0.15 no mark stood in front of the length.
    if length == u32::MAX {
        length = cursor.u32()?;
    }
    if length == 0 {
        return Ok(None);
    }
    if length > LONGEST {
        return Err(cursor.error(format!("no message is described in {length} bytes")));
    }
    let start = usize::try_from(cursor.offset()).unwrap_or(usize::MAX);
    let described = cursor.take(u64::from(length))?;
    let table = Table::root(described)?;
    let kind = table.number::<1>(1)?.map_or(0, |[kind]| kind);
    let body = table.number::<8>(3)?.map_or(0, i64::from_le_bytes);
    let body = u64::try_from(body).map_err(|_| cursor.error("a message has fewer than no bytes"))?;
    if kind == 0 || kind > 5 {
        return Err(cursor.error("a message is of no known kind"));
    }
    Ok(Some(Message { place: start..start + described.len(), schema: kind == 1, body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with nothing but its kind and the length of its buffers.
    fn described(kind: u8, body: i64) -> Vec<u8> {
        let mut table = 20u32.to_le_bytes().to_vec();
        // The table of fields: its length, that of the table, and where the fields lie.
        table.extend([12u16, 16, 0, 4, 0, 8].map(u16::to_le_bytes).concat());
        table.extend([0; 4]);
        table.extend(16i32.to_le_bytes());
        table.extend([kind, 0, 0, 0]);
        table.extend(body.to_le_bytes());
        let mut out = u32::MAX.to_le_bytes().to_vec();
        out.extend((table.len() as u32).to_le_bytes());
        out.extend(table);
        out
    }

    #[test]
    fn streams_and_files_are_walked_to_their_end() {
        let end = [u32::MAX, 0].map(u32::to_le_bytes).concat();
        let messages = [described(1, 0), described(3, 16), vec![7; 16], end].concat();
        assert!(is_arrow(&messages));
        let found = walk(&messages).unwrap();
        assert_eq!((found.messages.len(), found.end), (2, messages.len() as u64));
        let footer = [&[9u8; 12][..], &12u32.to_le_bytes(), MAGIC].concat();
        let file = [MAGIC, &[0, 0], &messages, &footer].concat();
        assert_eq!(walk(&file).unwrap().end, file.len() as u64);
        assert!(walk(&messages[..60]).is_err());
        assert!(!is_arrow(b"\xff\xff\xff\xff\0\0\0\0") && !is_arrow(b"some text"));
        let behind = [&messages[..], b"more"].concat();
        assert_eq!(walk(&behind).unwrap().end, messages.len() as u64);
    }
}
