//! `torch.package`: pickles anywhere in a folder, their storages in `.data`, and sources that its importer runs.
//!
//! Source: `torch/package/package_exporter.py` and `package_importer.py`: `("storage", class, number, location, elements)`
//! is the file `.data/<number>.storage`.

use std::collections::BTreeMap;

use proofhouse_artifact::Format;
use proofhouse_artifact::zip::Archive;

use crate::formats::zip;
use crate::pickle::{self, Storage};
use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};

/// Storages that are told to be missing.
const MOST_MISSING: usize = 64;

/// Whether an archive is one: it lists the modules that are not in it.
pub(in crate::formats) fn is_package(archive: &Archive<'_>) -> bool {
    archive
        .members()
        .iter()
        .any(|m| m.name.split_once('/').is_some_and(|(_, rest)| rest == ".data/extern_modules"))
}

/// Scans the members of a package.
pub(in crate::formats) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, archive: &Archive<'_>) {
    let mut storages: BTreeMap<String, Storage> = BTreeMap::new();
    for member in archive.members().iter().filter(|m| m.name.ends_with(".pkl")) {
        let root = member.name.split('/').next().unwrap_or_default();
        zip::read(scanner, content, archive, member, &mut |scanner, inner| {
            if matches!(inner.format, Format::Pickle(_)) {
                let named = pickle::scan_torch(scanner, inner, false);
                let name = |key: &str| format!("{root}/.data/{key}.storage");
                super::indices(scanner, &inner.place, archive, &named, &name);
                storages.extend(
                    named.named.into_iter().map(|(key, s)| (format!("{root}/.data/{key}.storage"), s)),
                );
            } else {
                pickle::scan(scanner, inner);
            }
        });
    }
    for member in archive.members().iter().filter(|m| !m.name.ends_with(".pkl")) {
        let storage = storages.get(&member.name).copied();
        zip::read(scanner, content, archive, member, &mut |scanner, inner| match &storage {
            Some(storage) if storage.bytes == Some(inner.bytes.len() as u64) => {
                let tensor = Tensor { name: "", at: 0, bytes: inner.bytes, float: storage.float };
                tensor::look(scanner, inner, "tensor/payload", Numbers::Weights, &[tensor]);
            }
            Some(_) => {
                let message =
                    format!("the pickle gives it another size than its {} bytes", inner.bytes.len());
                scanner.report("torch/storage", inner.place.clone(), message);
            }
            None => {
                crate::formats::scan(scanner, inner);
            }
        });
    }
    let has = |name: &String| archive.members().iter().any(|member| member.name == *name);
    for key in storages.keys().filter(|key| !has(key)).take(MOST_MISSING) {
        let message = format!("the pickle names the storage {key:?}, which the archive does not have");
        scanner.report("torch/storage", content.place.clone(), message);
    }
}
