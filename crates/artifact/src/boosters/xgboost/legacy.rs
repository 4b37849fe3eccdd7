//! XGBoost's binary format before UBJSON (`src/learner.cc`, `src/gbm/gbtree_model.h`, `include/xgboost/tree_model.h` of
//! 1.7): structures of C as they lie in memory, texts with their length before them.

use super::{Children, Declared, MAX_ISSUES, Tree, tree_issues};
use crate::ArtifactError;
use crate::cursor::Cursor;

/// What stands before the model in a file.
const MAGIC: &[u8] = b"binf";
/// Bytes of the parameters of a learner, of a model of trees or of a linear one, of a tree, and of two parts of a node.
const LEARNER: u64 = 136;
const MODEL: u64 = 160;
const LINEAR: u64 = 136;
const TREE: u64 = 148;
const NODE: u64 = 20;
const STATISTICS: u64 = 16;
/// A node's mark for "to the left where there is no value", beside its column.
const TO_THE_LEFT: u32 = 1 << 31;

/// Whether the bytes begin as such a model does: behind the parameters stands the name of an objective.
#[must_use]
pub fn is_legacy(bytes: &[u8]) -> bool {
    let name = bytes.strip_prefix(MAGIC).and_then(|rest| rest.get(136..147));
    let name = name.and_then(|bytes| bytes.split_first_chunk::<8>());
    name.is_some_and(|(length, begins)| {
        (4..=64).contains(&u64::from_le_bytes(*length)) && begins.iter().all(u8::is_ascii_lowercase)
    })
}

/// What contradicts itself in a model, all of whose bytes are read.
///
/// # Errors
/// It ends early, goes on behind its end, or has parts that are not known.
pub fn legacy(bytes: &[u8]) -> Result<Vec<String>, ArtifactError> {
    let mut cursor = Cursor::new("XGBoost", bytes, 0);
    cursor.take(MAGIC.len() as u64)?;
    let head = cursor.take(LEARNER)?;
    let word = |from: &[u8], at: usize| {
        from.get(at * 4..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let mut declared = Declared {
        features: Some(u64::from(word(head, 1))),
        classes: Some(u64::from(word(head, 2))),
        targets: Some(u64::from(word(head, 7))),
        ..Declared::default()
    };
    let (attributes, metrics) = (word(head, 3) != 0, word(head, 4) != 0);
    text(&mut cursor)?;
    let booster = text(&mut cursor)?;
    let mut broken = Vec::new();
    match booster {
        b"gbtree" | b"dart" => {
            let model = cursor.take(MODEL)?;
            let trees = u64::from(word(model, 0));
            if word(model, 4) != 0 || word(model, 5) != 0 {
                return Err(cursor.error("a model keeps predictions, which are not read"));
            }
            for number in 0..trees {
                tree(&mut cursor, number, &mut broken)?;
            }
            let classes = cursor.take(trees.saturating_mul(4))?;
            declared.trees = Some(trees);
            declared.used = classes.chunks_exact(4).map(|class| u64::from(word(class, 0)) + 1).max();
            if booster == b"dart" && trees > 0 {
                let count = cursor.u64()?;
                cursor.take(count.saturating_mul(4))?;
            }
        }
        b"gblinear" => {
            cursor.take(LINEAR)?;
            let count = cursor.u64()?;
            cursor.take(count.saturating_mul(4))?;
        }
        _ => return Err(cursor.error("the booster is none that is known")),
    }
    if attributes {
        // Each takes sixteen bytes, so there are no more than the file has room for.
        for _ in 0..cursor.u64()? {
            text(&mut cursor)?;
            text(&mut cursor)?;
        }
    }
    if metrics {
        for _ in 0..cursor.u64()? {
            text(&mut cursor)?;
        }
    }
    if cursor.left() > 0 {
        broken.push(format!("{} bytes follow the model", cursor.left()));
    }
    broken.extend(declared.excess());
    Ok(broken)
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ArtifactError> {
    let length = cursor.u64()?;
    cursor.take(length)
}

/// A tree: its parameters, its nodes, and what is known of each.
fn tree(cursor: &mut Cursor<'_>, number: u64, broken: &mut Vec<String>) -> Result<(), ArtifactError> {
    let parameters = cursor.take(TREE)?;
    let parameter = |at: usize| {
        let bytes = parameters.get(at * 4..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let count = u64::from(parameter(1));
    let nodes = cursor.take(count.saturating_mul(NODE))?;
    cursor.take(count.saturating_mul(STATISTICS))?;
    if parameter(5) != 0 {
        let leaves = cursor.u64()?;
        cursor.take(leaves.saturating_mul(4))?;
    }
    if broken.len() >= MAX_ISSUES {
        return Ok(());
    }
    let column = |at: usize| {
        let word =
            |node: &[u8]| node.get(at * 4..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        nodes.chunks_exact(20).map(word).collect::<Vec<[u8; 4]>>()
    };
    let child = |at| {
        Children::Listed(column(at).into_iter().map(|n| Some(i64::from(i32::from_le_bytes(n)))).collect())
    };
    let split = |n: [u8; 4]| Some(i64::from(u32::from_le_bytes(n) & !TO_THE_LEFT));
    let read = Tree {
        nodes: Some(count),
        lengths: Vec::new(),
        columns: Some(u64::from(parameter(4))),
        children: vec![("left_children", child(1)), ("right_children", child(2))],
        splits: Some(Children::Listed(column(3).into_iter().map(split).collect())),
    };
    tree_issues(usize::try_from(number).unwrap_or(usize::MAX), &read, broken);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A model of one tree that asks for the second column of three.
    fn model(children: [i32; 2], classes: u32) -> Vec<u8> {
        let words = |words: &[u32], size: usize| {
            let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            bytes.resize(size, 0);
            bytes
        };
        let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
        let node = |left: i32, right: i32, column: u32| {
            words(&[0, left.cast_unsigned(), right.cast_unsigned(), column | TO_THE_LEFT, 0], 20)
        };
        [
            MAGIC.to_vec(),
            words(&[0.5f32.to_bits(), 3, classes, 1, 0, 1, 7, 1], 136),
            text("reg:squarederror"),
            text("gbtree"),
            words(&[1], 160),
            words(&[1, 3, 0, 0, 3, 0], 148),
            node(children[0], children[1], 1),
            node(-1, -1, 0),
            node(-1, -1, 0),
            vec![0; 48],
            vec![0; 4],
            1u64.to_le_bytes().to_vec(),
            text("best_iteration"),
            text("0"),
        ]
        .concat()
    }

    #[test]
    fn a_model_is_read_to_its_last_byte() {
        let bytes = model([1, 2], 0);
        assert!(is_legacy(&bytes));
        assert!(legacy(&bytes).unwrap().is_empty());
        assert!(legacy(&bytes[..bytes.len() - 1]).is_err());
        assert!(legacy(&[&bytes[..], b"x"].concat()).unwrap()[0].contains("follow"));
        assert!(legacy(&model([1, 7], 0)).unwrap()[0].contains("leads to 7"));
        assert!(legacy(&model([1, 1], 0)).unwrap()[0].contains("may not end"));
        assert!(legacy(&model([1, 2], 1 << 30)).unwrap()[0].contains("classes"));
    }

    proptest! {
        #[test]
        fn damaged_models_end(at in 0..500usize, byte: u8, cut in 0..500usize) {
            let mut bytes = model([1, 2], 0);
            if let Some(old) = bytes.get_mut(at) {
                *old = byte;
            }
            bytes.truncate(bytes.len().saturating_sub(cut / 4));
            let _ = (is_legacy(&bytes), legacy(&bytes));
        }
    }
}
