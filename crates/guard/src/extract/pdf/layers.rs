//! Layers that readers do not show (optional content: ISO 32000-2, 8.11).

use std::collections::BTreeSet;

use super::file::File;
use super::object::{Dict, Object};

/// Most layers that are looked at.
const MOST_LAYERS: usize = 4096;

/// The layers that are off.
#[derive(Debug, Default)]
pub(super) struct Layers(BTreeSet<u32>);

impl Layers {
    pub(super) fn read(file: &mut File<'_>, catalogue: &Dict) -> Self {
        let properties = file.get(catalogue, "OCProperties").dict();
        let usual = file.get(&properties, "D").dict();
        let mut references = |dict: &Dict, key: &str| -> Vec<u32> {
            file.get(dict, key).array().iter().take(MOST_LAYERS).filter_map(reference).collect()
        };
        let all = references(&properties, "OCGs");
        let (on, off) = (references(&usual, "ON"), references(&usual, "OFF"));
        let mut hidden: BTreeSet<u32> = off.into_iter().collect();
        if file.get(&usual, "BaseState").name() == Some("OFF") {
            hidden.extend(all.into_iter().filter(|layer| !on.contains(layer)));
        }
        Self(hidden)
    }

    /// Whether what belongs to this layer, or to these layers together, is not shown.
    pub(super) fn hide(&self, file: &mut File<'_>, layer: &Object) -> bool {
        if self.0.is_empty() {
            return false;
        }
        if reference(layer).is_some_and(|number| self.0.contains(&number)) {
            return true;
        }
        let dict = file.resolve(layer).dict();
        let members = match dict.get("OCGs") {
            Some(one @ Object::Ref(_)) => match file.resolve(one) {
                Object::Array(several) => several.to_vec(),
                _ => vec![one.clone()],
            },
            Some(Object::Array(several)) => several.to_vec(),
            _ => return false,
        };
        if !file.step(members.len().min(MOST_LAYERS)) {
            return false;
        }
        let off: Vec<bool> = members
            .iter()
            .take(MOST_LAYERS)
            .filter_map(reference)
            .map(|number| self.0.contains(&number))
            .collect();
        if off.is_empty() {
            return false;
        }
        match file.get(&dict, "P").name() {
            Some("AllOn") => off.iter().any(|off| *off),
            Some("AnyOff") => !off.iter().any(|off| *off),
            Some("AllOff") => !off.iter().all(|off| *off),
            _ => off.iter().all(|off| *off),
        }
    }
}

fn reference(object: &Object) -> Option<u32> {
    match object {
        Object::Ref(number) => Some(*number),
        _ => None,
    }
}
