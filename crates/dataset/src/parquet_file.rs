//! Parquet bytes into a [`Table`]: flat schemas, bounded, and never a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::pages::{self, Budget, Refused};
use crate::{Column, ColumnData, DatasetError, Table, footer};

/// What a file may cost. The defaults fit a table of a few million cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Columns.
    pub columns: u64,
    /// Rows times columns.
    pub cells: u64,
    /// Pages over all columns.
    pub pages: u64,
    /// Bytes of all pages after decompression.
    pub decompressed_bytes: u64,
    /// Bytes of all text values; a dictionary can repeat one long text over many rows.
    pub text_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 1 << 30,
            columns: 10_000,
            cells: 200_000_000,
            pages: 1_000_000,
            decompressed_bytes: 4 << 30,
            text_bytes: 1 << 30,
        }
    }
}

/// Reads a Parquet file called `file` (for messages only) from its bytes.
///
/// Integers, floats, booleans and UTF-8 text in flat columns are supported; dates and times come as integers in
/// their stored unit. Anything else is an error that names the column.
pub fn read_parquet(file: &str, bytes: &Bytes, limits: &Limits) -> Result<Table, DatasetError> {
    let size = bytes.len() as u64;
    if size > limits.file_bytes {
        return Err(limit(file, "its size in bytes", size, limits.file_bytes));
    }
    footer::require_flat(file, bytes, limits)?;
    // The decoder asserts in places on what a file claims. Such a panic says that the file is damaged, nothing
    // else: no state outlives it, since everything it touched is dropped here.
    catch_unwind(AssertUnwindSafe(|| read(file, bytes, limits))).unwrap_or_else(|_| {
        Err(DatasetError::Damaged {
            file: file.to_owned(),
            reason: "its headers contradict its content".to_owned(),
        })
    })
}

fn read(file: &str, bytes: &Bytes, limits: &Limits) -> Result<Table, DatasetError> {
    let damaged = |reason: String| DatasetError::Damaged { file: file.to_owned(), reason };
    let reader = SerializedFileReader::new(bytes.clone()).map_err(|e| damaged(e.to_string()))?;
    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema_descr();
    let width = schema.num_columns();
    let mut rows = 0u64;
    let mut budget = Budget { pages: limits.pages, decompressed_bytes: limits.decompressed_bytes };
    for group in metadata.row_groups() {
        let more =
            u64::try_from(group.num_rows()).map_err(|_| damaged("a row group has negative rows".into()))?;
        rows = rows.saturating_add(more);
        let cells = rows.saturating_mul(width as u64);
        if cells > limits.cells {
            return Err(limit(file, "its rows times columns", cells, limits.cells));
        }
        if group.num_columns() != width {
            return Err(damaged("a row group lacks columns".into()));
        }
        for chunk in group.columns() {
            let (start, length) = chunk.byte_range();
            let range = usize::try_from(start)
                .ok()
                .zip(start.checked_add(length).and_then(|end| usize::try_from(end).ok()))
                .and_then(|(start, end)| bytes.get(start..end))
                .ok_or_else(|| damaged("a column lies outside the file".into()))?;
            let gzip = matches!(chunk.compression(), Compression::GZIP(_));
            pages::spend(range, gzip, &mut budget).map_err(|refused| match refused {
                Refused::Malformed(m) => damaged(format!("a page header is malformed: {}", m.0)),
                Refused::Encoding(number) => DatasetError::Column {
                    file: file.to_owned(),
                    column: chunk.column_path().string(),
                    reason: format!(
                        "is stored in encoding {number}, which cannot be read within a memory limit; write it plain \
                         or with a dictionary"
                    ),
                },
                Refused::Pages => limit(file, "the number of its pages", limits.pages + 1, limits.pages),
                Refused::DecompressedBytes => limit(
                    file,
                    "its size after decompression in bytes",
                    limits.decompressed_bytes.saturating_add(1),
                    limits.decompressed_bytes,
                ),
            })?;
        }
    }

    let mut columns = Vec::with_capacity(width);
    let mut text_bytes = limits.text_bytes;
    for index in 0..width {
        let descriptor = schema.column(index);
        let mut target = Target::of(file, &descriptor)?;
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).map_err(|e| damaged(e.to_string()))?;
            let rows = usize::try_from(group.metadata().num_rows())
                .map_err(|_| damaged("a row group has negative rows".into()))?;
            let chunk = group.get_column_reader(index).map_err(|e| damaged(e.to_string()))?;
            target.read(chunk, rows, &mut text_bytes).map_err(|failure| match failure {
                Failure::Decoder(reason) => damaged(format!("column {:?}: {reason}", descriptor.name())),
                Failure::Column(reason) => DatasetError::Column {
                    file: file.to_owned(),
                    column: descriptor.name().to_owned(),
                    reason: reason.to_owned(),
                },
                Failure::Text => {
                    limit(file, "its text in bytes", limits.text_bytes.saturating_add(1), limits.text_bytes)
                }
            })?;
        }
        columns.push(Column {
            name: descriptor.name().to_owned(),
            data: target.data,
            nullable: descriptor.max_def_level() > 0,
        });
    }
    Table::new(columns).map_err(|e| damaged(e.to_string()))
}

fn limit(file: &str, what: &'static str, found: u64, limit: u64) -> DatasetError {
    DatasetError::Limit { file: file.to_owned(), what, found, limit }
}

enum Failure {
    Decoder(String),
    Column(&'static str),
    Text,
}

/// A column being filled.
struct Target {
    data: ColumnData,
    unsigned: bool,
}

const UNSIGNED_TOO_LARGE: &str =
    "holds an unsigned integer above 9223372036854775807; store it as text or as a smaller number";

impl Target {
    fn of(file: &str, descriptor: &ColumnDescriptor) -> Result<Self, DatasetError> {
        let refuse = |reason: &str| {
            Err(DatasetError::Column {
                file: file.to_owned(),
                column: descriptor.path().string(),
                reason: reason.to_owned(),
            })
        };
        if descriptor.max_rep_level() > 0
            || descriptor.max_def_level() > 1
            || descriptor.path().parts().len() > 1
        {
            return refuse(
                "is nested or repeated; only flat columns are supported: flatten it when the file is written",
            );
        }
        let logical = descriptor.logical_type_ref();
        if matches!(logical, Some(LogicalType::Decimal { .. }))
            || descriptor.converted_type() == parquet::basic::ConvertedType::DECIMAL
        {
            return refuse("is a decimal; store it as a float or as a scaled integer");
        }
        use parquet::basic::ConvertedType as Converted;
        let unsigned = matches!(
            descriptor.converted_type(),
            Converted::UINT_8 | Converted::UINT_16 | Converted::UINT_32 | Converted::UINT_64
        );
        let data = match descriptor.physical_type() {
            Physical::BOOLEAN => ColumnData::Bool(Vec::new()),
            Physical::INT32 | Physical::INT64 => ColumnData::Int(Vec::new()),
            Physical::FLOAT | Physical::DOUBLE => ColumnData::Float(Vec::new()),
            Physical::BYTE_ARRAY => ColumnData::Text(Vec::new()),
            Physical::INT96 => return refuse("is an INT96 timestamp; store it as a 64-bit timestamp"),
            Physical::FIXED_LEN_BYTE_ARRAY => {
                return refuse("holds fixed-length bytes; only numbers, booleans and text are supported");
            }
        };
        Ok(Self { data, unsigned })
    }

    fn read(&mut self, chunk: ColumnReader, rows: usize, text_bytes: &mut u64) -> Result<(), Failure> {
        let unsigned = self.unsigned;
        match (&mut self.data, chunk) {
            (ColumnData::Bool(out), ColumnReader::BoolColumnReader(r)) => drain(r, rows, out, Ok),
            (ColumnData::Int(out), ColumnReader::Int32ColumnReader(r)) => {
                drain(r, rows, out, |v| Ok(if unsigned { i64::from(v as u32) } else { i64::from(v) }))
            }
            (ColumnData::Int(out), ColumnReader::Int64ColumnReader(r)) => drain(r, rows, out, |v| {
                if unsigned && v < 0 { Err(Failure::Column(UNSIGNED_TOO_LARGE)) } else { Ok(v) }
            }),
            (ColumnData::Float(out), ColumnReader::FloatColumnReader(r)) => {
                drain(r, rows, out, |v| Ok(f64::from(v)))
            }
            (ColumnData::Float(out), ColumnReader::DoubleColumnReader(r)) => drain(r, rows, out, Ok),
            (ColumnData::Text(out), ColumnReader::ByteArrayColumnReader(r)) => drain(r, rows, out, |v| {
                let bytes = v.data();
                *text_bytes = text_bytes.checked_sub(bytes.len() as u64).ok_or(Failure::Text)?;
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| Failure::Column("holds bytes that are not UTF-8 text"))?;
                Ok(text.to_owned())
            }),
            _ => Err(Failure::Decoder("the stored type differs from the schema".to_owned())),
        }
    }
}

/// Reads `rows` values in batches, so that a count which is a lie costs one batch.
fn drain<T: DataType, V>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    out: &mut Vec<Option<V>>,
    mut convert: impl FnMut(T::T) -> Result<V, Failure>,
) -> Result<(), Failure> {
    const BATCH: usize = 8192;
    let mut left = rows;
    while left > 0 {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (records, _, _) = reader
            .read_records(left.min(BATCH), Some(&mut levels), None, &mut values)
            .map_err(|e| Failure::Decoder(e.to_string()))?;
        if records == 0 {
            return Err(Failure::Decoder(format!("{left} of {rows} rows are missing")));
        }
        left -= records.min(left);
        let mut values = values.into_iter();
        if levels.is_empty() {
            for value in values {
                out.push(Some(convert(value)?));
            }
            continue;
        }
        for level in levels {
            out.push(match level {
                0 => None,
                _ => {
                    let value =
                        values.next().ok_or_else(|| Failure::Decoder("values are missing".to_owned()))?;
                    Some(convert(value)?)
                }
            });
        }
    }
    Ok(())
}
