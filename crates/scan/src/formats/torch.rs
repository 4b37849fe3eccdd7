//! `torch.save` archives: one pickle, and one raw storage per persistent id.
//!
//! A storage is accounted for when the pickle names it and its bytes are as many as the pickle's element
//! count takes. Anything else in the archive is looked at by its own content.

use std::collections::BTreeMap;

use proofhouse_artifact::Format;

use super::zip;
use crate::pickle::{self, Storage};
use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let Some((archive, uncovered)) = zip::open(scanner, content) else { return 0 };
    let mut storages: BTreeMap<String, Storage> = BTreeMap::new();
    let is_main = |name: &str| name.split_once('/').is_some_and(|(_, rest)| rest == "data.pkl");
    for member in archive.members().iter().filter(|m| is_main(&m.name)) {
        zip::read(scanner, content, &archive, member, &mut |scanner, inner| {
            if matches!(inner.format, Format::Pickle(_)) {
                storages.extend(pickle::scan_torch(scanner, inner));
            } else {
                // Whatever it looks like, torch unpickles it.
                pickle::scan(scanner, inner);
            }
        });
    }
    for member in archive.members().iter().filter(|m| !is_main(&m.name)) {
        let key = member.name.split_once('/').and_then(|(_, rest)| rest.strip_prefix("data/"));
        let storage = key.and_then(|key| storages.remove(key));
        zip::read(scanner, content, &archive, member, &mut |scanner, inner| match &storage {
            Some(storage) if storage.bytes == Some(inner.bytes.len() as u64) => {}
            Some(storage) => {
                let wanted = storage.bytes.map_or("an unknown number of".to_owned(), |n| n.to_string());
                let message = format!("the pickle gives it {wanted} bytes, it has {}", inner.bytes.len());
                scanner.report("torch/storage", inner.place.clone(), message);
            }
            None => drop(super::scan(scanner, inner)),
        });
    }
    for key in storages.keys() {
        let message = format!("the pickle names the storage {key:?}, which the archive does not have");
        scanner.report("torch/storage", content.place.clone(), message);
    }
    (content.bytes.len() as u64).saturating_sub(uncovered)
}
