//! `torch.save` and `torch.jit.save` archives: pickles, and one raw storage per persistent id.
//!
//! A storage is accounted for when the pickle beside it names it and its bytes are as many as the pickle's
//! element count takes. Anything else in the archive is looked at by its own content. torch looks members up
//! without regard to case (`PyTorchStreamReader::getRecordID`), so two names that differ in nothing else are
//! two answers to one question.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use proofhouse_artifact::Format;
use proofhouse_artifact::zip::{Archive, Member};
use proofhouse_core::Place;

use super::zip;
use crate::content::Checksum;
use crate::pickle::{self, Storage, Storages};
use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};

mod flow;
mod package;
mod pieces;
mod run;
mod script;

pub(super) use package::{is_package, scan as packaged};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    if let Some(covered) = pieces::scan(scanner, content) {
        return covered;
    }
    let Some((archive, uncovered)) = zip::open(scanner, content) else { return 0 };
    let names = || archive.members().iter().map(|m| m.name.as_str());
    twins(scanner, content, names());
    // Without constants torch unpickles with Python; with them its own reader builds the script's types.
    let scripts: BTreeSet<&str> = names().filter_map(|n| n.strip_suffix("/constants.pkl")).collect();
    let mut storages: BTreeMap<String, Storage> = BTreeMap::new();
    let (mut sources, mut class): (Vec<run::Source>, Option<String>) = (Vec::new(), None);
    for member in archive.members() {
        let Some((folder, root)) = pickled(&member.name, &scripts) else { continue };
        let script = scripts.contains(root);
        zip::read(scanner, content, &archive, member, &mut |scanner, inner| {
            if script && member.name.ends_with("/data.pkl") {
                class = class.take().or_else(|| first_class(inner.bytes));
            }
            if script && member.name.ends_with("/bytecode.pkl") {
                script::bytecode(scanner, inner);
            }
            if matches!(inner.format, Format::Pickle(_)) {
                let named = pickle::scan_torch(scanner, inner, script);
                indices(scanner, &inner.place, &archive, &named, &|key| format!("{folder}/{key}"));
                storages.extend(named.named.into_iter().map(|(key, s)| (format!("{folder}/{key}"), s)));
            } else {
                // Whatever it looks like, torch unpickles it.
                pickle::scan(scanner, inner);
            }
        });
    }
    let mut used = BTreeSet::new();
    let mut tensors: Vec<Tensor<'_>> = Vec::new();
    // Where the archive says so, numbers have the highest byte first.
    let swapped =
        archive.members().iter().any(|m| m.name.ends_with("/byteorder") && archive.stored(m) == Some(b"big"));
    let float = |storage: &Storage| storage.float.filter(|_| !swapped);
    let mut rest = |scanner: &mut Scanner<'_>| {
        for member in archive.members().iter().filter(|m| pickled(&m.name, &scripts).is_none()) {
            let storage = storages.get(&member.name).copied();
            if storage.is_some() {
                used.insert(member.name.as_str());
            }
            if let Some(storage) = storage
                && content.depth == 0
                && let Some(data) = archive.stored(member)
                && storage.bytes == Some(data.len() as u64)
                && member.uncompressed == data.len() as u64
            {
                tensors.push(Tensor {
                    name: &member.name,
                    at: member.data.start,
                    bytes: data,
                    float: float(&storage),
                });
                // All there is left to look at besides is the checksum, when the bytes are read.
                let place = content.place.clone().within(&member.name);
                scanner.checksums.push(Checksum { range: member.data.clone(), crc: member.crc, place });
                continue;
            }
            let root = member.name.split('/').next().unwrap_or_default();
            let code = scripts.contains(root) && member.name.contains("/code/");
            zip::read(scanner, content, &archive, member, &mut |scanner, inner| match &storage {
                Some(storage) if storage.bytes == Some(inner.bytes.len() as u64) => {
                    let tensor = Tensor { name: "", at: 0, bytes: inner.bytes, float: float(storage) };
                    tensor::look(scanner, inner, "tensor/payload", Numbers::Weights, &[tensor]);
                }
                // Inputs of a trace are kept by their shapes only.
                Some(_) if inner.bytes.is_empty() && member.name.contains("/traced_inputs/") => {}
                Some(storage) => {
                    let wanted = storage.bytes.map_or("an unknown number of".to_owned(), |n| n.to_string());
                    let message = format!("the pickle gives it {wanted} bytes, it has {}", inner.bytes.len());
                    scanner.report("torch/storage", inner.place.clone(), message);
                }
                None if code && member.name.ends_with(".py") => {
                    sources.extend(run::Source::of(&member.name, &inner.place, inner.bytes));
                    script::scan(scanner, inner);
                }
                None => {
                    if in_data(&member.name) {
                        let message = "no tensor of the pickle uses this storage";
                        scanner.report("torch/storage", inner.place.clone(), message);
                    }
                    super::scan(scanner, inner);
                }
            });
        }
    };
    let project = super::sources::of_zip(scanner, &archive);
    scanner.folder(content, project, &mut rest, &|_, _| None);
    run::judge(scanner, &sources, class.as_deref());
    tensor::look(scanner, content, "tensor/payload", Numbers::Weights, &tensors);
    for key in storages.keys().filter(|key| !used.contains(key.as_str())) {
        let message = format!("the pickle names the storage {key:?}, which the archive does not have");
        scanner.report("torch/storage", content.place.clone(), message);
    }
    (content.bytes.len() as u64).saturating_sub(uncovered)
}

/// Holds the indices of sparse tensors against the members that they lie in.
fn indices(
    scanner: &mut Scanner<'_>,
    place: &Place,
    archive: &Archive<'_>,
    storages: &Storages,
    name: &dyn Fn(&str) -> String,
) {
    if storages.indices.is_empty() && !storages.overlooked {
        return;
    }
    let members: BTreeMap<&str, &Member> = archive.members().iter().map(|m| (m.name.as_str(), m)).collect();
    let of = |scanner: &mut Scanner<'_>, key: &str| {
        let read = archive.read(members.get(name(key).as_str())?, scanner.decompressed_left).ok()?.bytes;
        if matches!(read, Cow::Owned(_)) {
            scanner.decompressed_left = scanner.decompressed_left.saturating_sub(read.len() as u64);
        }
        Some(read)
    };
    pickle::check_indices(scanner, place, storages, of);
}

/// The folder of the storages that a pickle of torch's names, and the root it lies in: `model/data.pkl` names
/// `model/data/0`. The program of a script keeps its own among the constants (`torch/csrc/jit/mobile/import.cpp`).
fn pickled<'a>(name: &'a str, scripts: &BTreeSet<&str>) -> Option<(String, &'a str)> {
    let (root, rest) = name.split_once('/')?;
    match rest {
        "data.pkl" | "constants.pkl" | "traced_inputs.pkl" => {
            Some((name.strip_suffix(".pkl")?.to_owned(), root))
        }
        "bytecode.pkl" if scripts.contains(root) => Some((format!("{root}/constants"), root)),
        _ => None,
    }
}

/// The class of the first object of a script's pickle, which is the network.
fn first_class(bytes: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(bytes, b"c__torch__")?;
    let text = bytes.get(at + 1..)?;
    let text = std::str::from_utf8(text.get(..memchr::memchr_iter(b'\n', text).nth(1)?)?).ok()?;
    Some(text.replacen('\n', ".", 1))
}

fn in_data(name: &str) -> bool {
    name.split_once('/').is_some_and(|(_, rest)| rest.starts_with("data/"))
}

/// Names that differ in case only.
fn twins<'a>(scanner: &mut Scanner<'_>, content: &Content<'_>, names: impl Iterator<Item = &'a str>) {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name.to_ascii_lowercase()) {
            let message =
                format!("another member is named like {name:?} but for case, and torch tells no case");
            scanner.report("zip/disagreement", content.place.clone(), message);
        }
    }
}
