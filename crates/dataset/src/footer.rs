//! A look at a Parquet footer before the decoder sees it.
//!
//! The decoder builds nested schemas recursively, and a stack overflow cannot be caught. So the schema is
//! proven flat first, from the raw bytes. Layout: Apache Parquet format, `FileMetaData` and `SchemaElement`.

use crate::DatasetError;
use crate::parquet_file::Limits;
use crate::thrift::{BINARY, Cursor, I32, LIST, Malformed, STRUCT};

const MAGIC: &[u8] = b"PAR1";

/// Fails unless the footer is in place and every column is a direct child of the root.
pub(crate) fn require_flat(file: &str, bytes: &[u8], limits: &Limits) -> Result<(), DatasetError> {
    let damaged = |reason: &str| DatasetError::Damaged { file: file.to_owned(), reason: reason.to_owned() };
    if bytes.starts_with(b"PARE") || bytes.ends_with(b"PARE") {
        return Err(damaged("its footer is encrypted"));
    }
    if bytes.len() < 12 || !bytes.starts_with(MAGIC) || !bytes.ends_with(MAGIC) {
        return Err(damaged("it does not begin and end with PAR1; it is cut short or another format"));
    }
    let tail = bytes.len() - 8;
    let mut length = [0u8; 4];
    length.copy_from_slice(&bytes[tail..tail + 4]);
    let start = usize::try_from(u32::from_le_bytes(length))
        .ok()
        .and_then(|length| tail.checked_sub(length))
        .filter(|start| *start >= MAGIC.len())
        .ok_or_else(|| damaged("its footer is longer than the file"))?;
    let names = schema(&bytes[start..tail], limits.columns).map_err(|e| match e {
        Refused::Malformed(Malformed(reason)) => damaged(&format!("its footer is malformed: {reason}")),
        Refused::Columns(found) => DatasetError::Limit {
            file: file.to_owned(),
            what: "the number of columns",
            found,
            limit: limits.columns,
        },
        Refused::Nested(column) => DatasetError::Column {
            file: file.to_owned(),
            column,
            reason: "is nested; only flat columns are supported: flatten it when the file is written"
                .to_owned(),
        },
    })?;
    if names == 0 {
        return Err(damaged("it has no column"));
    }
    Ok(())
}

enum Refused {
    Malformed(Malformed),
    Columns(u64),
    Nested(String),
}

impl From<Malformed> for Refused {
    fn from(e: Malformed) -> Self {
        Self::Malformed(e)
    }
}

/// The number of columns of a flat schema.
fn schema(footer: &[u8], max_columns: u64) -> Result<u64, Refused> {
    let mut cursor = Cursor::new(footer);
    let (mut last, mut columns) = (0, 0);
    // Every occurrence is checked, whichever of them a decoder would use.
    while let Some((id, kind)) = cursor.field(&mut last)? {
        if (id, kind) != (2, LIST) {
            cursor.skip(kind)?;
            continue;
        }
        let (element, length) = cursor.list()?;
        if element != STRUCT || length == 0 {
            return Err(Malformed("its schema is not a list of elements").into());
        }
        columns = length - 1;
        if columns > max_columns {
            return Err(Refused::Columns(columns));
        }
        let mut claimed = 0;
        for index in 0..length {
            let (name, children) = schema_element(&mut cursor)?;
            if index > 0 && children != 0 {
                return Err(Refused::Nested(String::from_utf8_lossy(name).into_owned()));
            }
            if index == 0 {
                claimed = children;
            }
        }
        // The decoder allocates for as many children as the root claims.
        if u64::try_from(claimed) != Ok(columns) {
            return Err(Malformed("its schema does not have the columns it states").into());
        }
    }
    Ok(columns)
}

fn schema_element<'a>(cursor: &mut Cursor<'a>) -> Result<(&'a [u8], i64), Malformed> {
    let (mut last, mut name, mut children): (i16, &[u8], i64) = (0, b"", 0);
    while let Some((id, kind)) = cursor.field(&mut last)? {
        match (id, kind) {
            (4, BINARY) => name = cursor.binary()?,
            (5, I32) => {
                if children != 0 {
                    return Err(Malformed("its schema states something twice"));
                }
                children = cursor.integer()?;
            }
            _ => cursor.skip(kind)?,
        }
    }
    Ok((name, children))
}
