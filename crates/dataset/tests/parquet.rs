//! Parquet: other writers, other settings, and files that lie.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; the lint knows test functions, not their helpers"
)]

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use proofhouse_dataset::{ColumnData, DatasetError, Limits, Records, Table, read_parquet};
use proptest::prelude::*;

type Row = (i64, Option<f64>, Option<String>);

/// Writes `rows` with columns `id`, `x`, `t`, or in another order.
fn write(rows: &[Row], properties: WriterProperties, group: usize, turned: bool) -> Bytes {
    let columns = ["required int64 id;", "optional double x;", "optional binary t (UTF8);"];
    let order: [usize; 3] = if turned { [2, 0, 1] } else { [0, 1, 2] };
    let text: String = order.iter().map(|i| columns[*i]).collect();
    let schema = Arc::new(parse_message_type(&format!("message m {{ {text} }}")).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for rows in rows.chunks(group.max(1)) {
        let mut row_group = writer.next_row_group().unwrap();
        for column in order {
            let mut w = row_group.next_column().unwrap().unwrap();
            match column {
                0 => {
                    let ids: Vec<i64> = rows.iter().map(|r| r.0).collect();
                    w.typed::<Int64Type>().write_batch(&ids, None, None).unwrap();
                }
                1 => {
                    let levels: Vec<i16> = rows.iter().map(|r| i16::from(r.1.is_some())).collect();
                    let values: Vec<f64> = rows.iter().filter_map(|r| r.1).collect();
                    w.typed::<DoubleType>().write_batch(&values, Some(&levels), None).unwrap();
                }
                _ => {
                    let levels: Vec<i16> = rows.iter().map(|r| i16::from(r.2.is_some())).collect();
                    let values: Vec<ByteArray> =
                        rows.iter().filter_map(|r| r.2.as_deref()).map(ByteArray::from).collect();
                    w.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
                }
            }
            w.close().unwrap();
        }
        row_group.close().unwrap();
    }
    Bytes::from(writer.into_inner().unwrap())
}

fn plain(rows: &[Row]) -> Bytes {
    write(rows, WriterProperties::builder().build(), 1000, false)
}

fn read(bytes: &Bytes) -> Table {
    read_parquet("t.parquet", bytes, &Limits::default()).unwrap()
}

fn some_rows(n: i64) -> Vec<Row> {
    (0..n)
        .map(|i| (i, (i % 3 != 0).then_some(i as f64 / 4.0), (i % 5 != 0).then(|| format!("text {}", i % 7))))
        .collect()
}

#[test]
fn values_come_back() {
    let table = read(&plain(&some_rows(4)));
    assert_eq!(table.names(), ["id", "x", "t"]);
    assert_eq!(table.column("id").unwrap().data, ColumnData::Int((0..4).map(Some).collect()));
    assert_eq!(table.column("x").unwrap().data, ColumnData::Float(vec![None, Some(0.25), Some(0.5), None]));
    assert!(table.column("x").unwrap().nullable && !table.column("id").unwrap().nullable);
    assert_eq!(table.column("t").unwrap().data.text(1).as_deref(), Some("text 1"));
}

#[test]
fn what_pyarrow_wrote_is_read() {
    let table = read(&Bytes::from_static(include_bytes!("data/pyarrow.parquet")));
    assert_eq!(table.rows(), 5);
    assert_eq!(
        table.column("x").unwrap().data,
        ColumnData::Float(vec![Some(0.5), Some(1.5), None, Some(3.5), Some(4.5)])
    );
    assert_eq!(
        table.column("ok").unwrap().data,
        ColumnData::Bool(vec![Some(true), Some(false), Some(true), None, Some(true)])
    );
    assert_eq!(table.column("name").unwrap().data.text(4).as_deref(), Some("ä"));
}

#[test]
fn a_nested_column_is_refused_by_name() {
    let bytes = Bytes::from_static(include_bytes!("data/nested.parquet"));
    let error = read_parquet("n.parquet", &bytes, &Limits::default()).unwrap_err();
    assert!(matches!(&error, DatasetError::Column { column, .. } if column.contains("deep")), "{error}");
    assert!(error.to_string().starts_with("n.parquet: column"), "{error}");
}

#[test]
fn limits_hold() {
    let bytes = plain(&some_rows(1000));
    let whole = Limits::default();
    let limits = [
        Limits { file_bytes: 100, ..whole },
        Limits { columns: 2, ..whole },
        Limits { cells: 2999, ..whole },
        Limits { pages: 2, ..whole },
        Limits { decompressed_bytes: 1000, ..whole },
        Limits { text_bytes: 100, ..whole },
    ];
    for limit in limits {
        let error = read_parquet("t.parquet", &bytes, &limit);
        assert!(matches!(error, Err(DatasetError::Limit { .. })), "{limit:?}: {error:?}");
    }
}

#[test]
fn a_compression_bomb_is_stopped_before_it_unpacks() {
    let rows: Vec<Row> = (0..200_000).map(|_| (7, Some(0.0), None)).collect();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .build();
    let bytes = write(&rows, properties, 200_000, false);
    assert!(bytes.len() < 100_000, "{}", bytes.len());
    let limits = Limits { decompressed_bytes: 1 << 20, ..Limits::default() };
    assert!(matches!(
        read_parquet("bomb.parquet", &bytes, &limits),
        Err(DatasetError::Limit { what: "its size after decompression in bytes", .. })
    ));
}

#[test]
fn a_dictionary_bomb_is_stopped_by_its_text() {
    let rows: Vec<Row> = (0..5000).map(|_| (1, None, Some("x".repeat(10_000)))).collect();
    let bytes = plain(&rows);
    assert!(bytes.len() < 100_000, "{}", bytes.len());
    let limits = Limits { text_bytes: 1 << 20, ..Limits::default() };
    assert!(matches!(
        read_parquet("bomb.parquet", &bytes, &limits),
        Err(DatasetError::Limit { what: "its text in bytes", .. })
    ));
}

#[test]
fn a_schema_nested_a_thousand_deep_does_not_reach_the_decoder() {
    // FileMetaData with only its schema: each element a group of one child.
    let depth = 5000u32;
    let mut footer = vec![0x15, 0x02, 0x19, 0xfc];
    footer.extend([(depth & 0x7f) as u8 | 0x80, (depth >> 7) as u8]);
    for _ in 0..depth {
        footer.extend([0x48, 0x01, b'g', 0x15, 0x02, 0x00]);
    }
    footer.push(0);
    let mut bytes = b"PAR1".to_vec();
    bytes.extend(&footer);
    bytes.extend((footer.len() as u32).to_le_bytes());
    bytes.extend(b"PAR1");
    let error = read_parquet("deep.parquet", &Bytes::from(bytes), &Limits::default()).unwrap_err();
    assert!(matches!(&error, DatasetError::Column { column, .. } if column == "g"), "{error}");
}

#[test]
fn a_root_that_claims_billions_of_columns_does_not_reach_the_decoder() {
    // A root with 2^30 children, and no child.
    let footer = [0x15, 0x02, 0x19, 0x1c, 0x48, 0x01, b'm', 0x15, 0x80, 0x80, 0x80, 0x80, 0x08, 0x00, 0x00];
    let mut bytes = b"PAR1".to_vec();
    bytes.extend(footer);
    bytes.extend((footer.len() as u32).to_le_bytes());
    bytes.extend(b"PAR1");
    let error = read_parquet("wide.parquet", &Bytes::from(bytes), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("does not have the columns it states"), "{error}");
}

#[test]
fn delta_coded_text_is_refused_by_name() {
    for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_column_encoding(ColumnPath::from("t"), encoding)
            .build();
        let bytes = write(&some_rows(10), properties, 10, false);
        let error = read_parquet("delta.parquet", &bytes, &Limits::default()).unwrap_err();
        assert!(matches!(&error, DatasetError::Column { column, .. } if column == "t"), "{error}");
    }
}

#[test]
fn a_cut_or_foreign_file_is_named() {
    let bytes = plain(&some_rows(100));
    for cut in [0, 3, 11, bytes.len() / 2, bytes.len() - 1] {
        let error = read_parquet("cut.parquet", &bytes.slice(..cut), &Limits::default()).unwrap_err();
        assert!(error.to_string().starts_with("cut.parquet: not a readable Parquet file"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn records_do_not_depend_on_the_writer(
        rows in proptest::collection::vec((any::<i64>(), proptest::option::of(any::<f64>()), proptest::option::of("[a-zß]{0,9}")), 1..60),
        group in 1usize..60, page in 1usize..2000, dictionary in any::<bool>(), second in any::<bool>(),
        codec in 0usize..4, turned in any::<bool>(),
    ) {
        let codec = [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::GZIP(Default::default()),
            Compression::ZSTD(ZstdLevel::default()),
        ][codec];
        let properties = WriterProperties::builder()
            .set_compression(codec)
            .set_dictionary_enabled(dictionary)
            .set_data_page_size_limit(page)
            .set_column_encoding(ColumnPath::from("t"), Encoding::PLAIN)
            .set_writer_version(if second { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 })
            .build();
        let (a, b) = (read(&plain(&rows)), read(&write(&rows, properties, group, turned)));
        prop_assert_eq!(Records::of(&a), Records::of(&b));
    }

    #[test]
    fn record_order_matters_to_the_root_only(mut rows in proptest::collection::vec(
        (any::<i64>(), proptest::option::of(any::<f64>()), proptest::option::of("[a-z]{0,3}")), 2..30)) {
        let before = Records::of(&read(&plain(&rows)));
        rows.rotate_left(1);
        let after = Records::of(&read(&plain(&rows)));
        prop_assert_eq!(before.multiset(), after.multiset());
        prop_assert_eq!(before.root() == after.root(), before.digests() == after.digests());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), framed in any::<bool>()) {
        let bytes = if framed {
            let mut file = b"PAR1".to_vec();
            file.extend(&bytes);
            file.extend((bytes.len() as u32).to_le_bytes());
            file.extend(b"PAR1");
            file
        } else {
            bytes
        };
        let _ = read_parquet("any", &Bytes::from(bytes), &Limits::default());
    }

    #[test]
    fn changed_bytes_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), near_end in any::<bool>(),
    ) {
        let mut bytes = plain(&some_rows(50)).to_vec();
        for (at, value) in changes {
            let index = if near_end { bytes.len() - 1 - at.index(bytes.len().min(400)) } else { at.index(bytes.len()) };
            bytes[index] = value;
        }
        let limits = Limits { cells: 100_000, decompressed_bytes: 1 << 20, text_bytes: 1 << 20, ..Limits::default() };
        let _ = read_parquet("changed", &Bytes::from(bytes), &limits);
    }
}
