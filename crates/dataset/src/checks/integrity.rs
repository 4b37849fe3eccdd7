//! Whether the data is byte for byte, and record for record, what the manifest says.

use std::collections::BTreeMap;

use proofhouse_core::{Measurement, Place, Severity, Unit, Verdict};

use super::{Outcome, finding};
use crate::{DataFile, Manifest, Records, Table};

/// Compares the files found, and the records read from them where there is a table, with the manifest.
///
/// Without a table the records are not re-checked and the verdict speaks of files only.
#[must_use]
pub fn integrity(manifest: &Manifest, found: &[DataFile], table: Option<&Table>) -> Outcome {
    let mut findings = Vec::new();
    let stated: BTreeMap<_, _> = manifest.files.iter().map(|f| (&f.path, f)).collect();
    let actual: BTreeMap<_, _> = found.iter().map(|f| (&f.path, f)).collect();
    const RESTORE: &str =
        "Restore the file from its source, or describe the dataset anew and repeat every check on it.";
    for (path, file) in &stated {
        match actual.get(path) {
            None => findings.push(finding(
                "missing-file",
                Severity::High,
                Place::file(path.as_str()),
                "the manifest names this file and it is not there".to_owned(),
                RESTORE,
            )),
            Some(now) if now.sha256 != file.sha256 || now.size != file.size => findings.push(finding(
                "changed-file",
                Severity::Critical,
                Place::file(path.as_str()),
                format!(
                    "the file is {} with {} bytes, the manifest says {} with {}",
                    now.sha256, now.size, file.sha256, file.size
                ),
                RESTORE,
            )),
            Some(_) => {}
        }
    }
    for path in actual.keys().filter(|path| !stated.contains_key(*path)) {
        findings.push(finding(
            "unlisted-file",
            Severity::High,
            Place::file(path.as_str()),
            "the manifest does not name this file".to_owned(),
            "Remove it, or describe the dataset anew.",
        ));
    }
    if let Some(table) = table {
        let records = Records::of(table);
        if records.root() != manifest.records_root {
            let reordered = records.multiset() == manifest.records_multiset;
            findings.push(finding(
                if reordered { "reordered-records" } else { "changed-records" },
                if reordered { Severity::Medium } else { Severity::Critical },
                Place::file(&manifest.name),
                if reordered {
                    "the records are those of the manifest in another order".to_owned()
                } else {
                    format!("the records are {}, the manifest says {}", records.root(), manifest.records_root)
                },
                RESTORE,
            ));
        }
    }
    Outcome {
        // A manifest without a file says nothing about any.
        verdict: match (findings.is_empty(), stated.is_empty() && table.is_none()) {
            (false, _) => Verdict::Fail,
            (true, true) => Verdict::Unknown,
            (true, false) => Verdict::Pass,
        },
        criterion: if table.is_some() {
            "every file and the record root equal the manifest, and no file is unlisted".to_owned()
        } else {
            "every file equals the manifest, and no file is unlisted".to_owned()
        },
        measurements: vec![Measurement::new("files", stated.len() as f64, Unit::Count)],
        findings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, ColumnData, Provenance, Role};

    fn table(values: &[i64]) -> Table {
        let data = ColumnData::Int(values.iter().copied().map(Some).collect());
        Table::new(vec![Column { name: "x".into(), data, nullable: false }]).unwrap()
    }

    fn file(path: &str, bytes: &[u8]) -> DataFile {
        DataFile::of(path.parse().unwrap(), bytes)
    }

    #[test]
    fn each_way_to_differ_has_its_finding() {
        let good = table(&[1, 2]);
        let files = vec![file("a.parquet", b"a"), file("b.parquet", b"b")];
        let m =
            Manifest::describe("d", Role::Train, Provenance::default(), files.clone(), &good, &[]).unwrap();
        assert_eq!(integrity(&m, &files, Some(&good)).verdict, Verdict::Pass);
        let other = [file("a.parquet", b"x"), file("c.parquet", b"c")];
        let bad = integrity(&m, &other, Some(&table(&[1, 3])));
        let rules: Vec<&str> = bad.findings.iter().map(|f| f.rule.as_str()).collect();
        assert_eq!(
            rules,
            [
                "dataset/changed-file",
                "dataset/missing-file",
                "dataset/unlisted-file",
                "dataset/changed-records"
            ]
        );
        assert_eq!(bad.verdict, Verdict::Fail);
        let turned = integrity(&m, &files, Some(&table(&[2, 1])));
        assert_eq!(turned.findings[0].rule, "dataset/reordered-records");
    }

    #[test]
    fn nothing_stated_is_not_a_pass() {
        let m =
            Manifest::describe("d", Role::Train, Provenance::default(), vec![], &table(&[]), &[]).unwrap();
        assert_eq!(integrity(&m, &[], None).verdict, Verdict::Unknown);
    }
}
