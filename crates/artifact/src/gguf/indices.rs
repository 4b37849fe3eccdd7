//! Numbers among the values by which loaders index: lists of the tokenizer that have to be equally long, tokens of a special
//! meaning, blocks, and heads that are divided by.
//!
//! Loaders take them as they stand: llama.cpp reads `scores[i]` for every token, and divides the width of a model by its
//! heads. A file that was converted from a model has numbers that agree, so one where they do not was made by hand.

use std::collections::HashMap;

use super::{Gguf, Tensor};

/// Blocks that no model has.
const MOST_BLOCKS: i128 = 1 << 14;
/// Values that are kept.
const KEPT: usize = 10_000;
/// Types of value (`gguf_type`).
const UINT32: u32 = 4;
const INT32: u32 = 5;
const FLOAT32: u32 = 6;
const STRING: u32 = 8;

/// Whole numbers and the lengths of arrays, by key.
#[derive(Debug, Default)]
pub(super) struct Values {
    numbers: HashMap<String, (u64, i128)>,
    arrays: HashMap<String, Array>,
}

#[derive(Debug, Clone, Copy)]
struct Array {
    at: u64,
    kind: u32,
    count: u64,
}

impl Values {
    pub(super) fn number(&mut self, key: &str, at: u64, number: i128) {
        if self.numbers.len() < KEPT {
            self.numbers.insert(key.to_owned(), (at, number));
        }
    }

    pub(super) fn array(&mut self, key: &str, at: u64, kind: u32, count: u64) {
        if self.arrays.len() < KEPT {
            self.arrays.insert(key.to_owned(), Array { at, kind, count });
        }
    }

    /// Tells `gguf` where they lead outside.
    pub(super) fn check(&self, gguf: &mut Gguf) {
        self.tokenizer(gguf);
        let architecture = gguf.texts.iter().find(|text| text.key == "general.architecture");
        if let Some(architecture) = architecture.map(|text| text.value.clone()) {
            self.model(gguf, &architecture);
        }
    }

    fn tokenizer(&self, gguf: &mut Gguf) {
        let types: [(&str, &[u32]); 4] = [
            ("tokens", &[STRING]),
            ("merges", &[STRING]),
            ("scores", &[FLOAT32]),
            ("token_type", &[UINT32, INT32]),
        ];
        for (name, kinds) in types {
            let key = format!("tokenizer.ggml.{name}");
            if let Some(array) = self.arrays.get(&key).filter(|array| !kinds.contains(&array.kind)) {
                let what =
                    format!("the array {key:?} has elements of the type {}, read as another", array.kind);
                gguf.issue(array.at, what);
            }
        }
        let Some(tokens) = self.arrays.get("tokenizer.ggml.tokens") else { return };
        for name in ["scores", "token_type"] {
            let key = format!("tokenizer.ggml.{name}");
            if let Some(array) = self.arrays.get(&key).filter(|array| array.count != tokens.count) {
                let what = format!("{key:?} has {} elements for {} tokens", array.count, tokens.count);
                gguf.issue(array.at, what);
            }
        }
        let ids = self.numbers.iter().filter(|(key, _)| {
            key.strip_prefix("tokenizer.ggml.").is_some_and(|name| name.ends_with("_token_id"))
        });
        let mut outside: Vec<_> =
            ids.filter(|(_, (_, id))| !(0..i128::from(tokens.count)).contains(id)).collect();
        outside.sort();
        for (key, (at, id)) in outside {
            gguf.issue(*at, format!("{key:?} is {id}, and the vocabulary has {} tokens", tokens.count));
        }
    }

    fn model(&self, gguf: &mut Gguf, architecture: &str) {
        let of = |name: &str| self.numbers.get(&format!("{architecture}.{name}")).copied();
        if let Some((at, blocks)) = of("block_count") {
            let last = gguf.tensors.iter().filter_map(block).max();
            if let Some(last) = last.filter(|last| i128::from(*last) >= blocks) {
                gguf.issue(at, format!("the model has {blocks} blocks, and a tensor is of block {last}"));
            }
            if !(0..=MOST_BLOCKS).contains(&blocks) {
                gguf.issue(at, format!("no model has {blocks} blocks"));
            }
        }
        // Models without attention say that they have no heads.
        let recurrent = gguf
            .tensors
            .iter()
            .any(|tensor| ["ssm_", "time_mix", "shortconv"].iter().any(|part| tensor.name.contains(part)));
        let attends = gguf.tensors.iter().any(|tensor| tensor.name.contains("attn_"));
        for name in ["attention.head_count", "attention.head_count_kv"] {
            if let Some((at, heads)) = of(name)
                && (heads < 0 || heads == 0 && attends && !recurrent)
            {
                gguf.issue(at, format!("{name} is {heads}, by which readers divide"));
            }
        }
        if let (Some((_, experts)), Some((at, used))) = (of("expert_count"), of("expert_used_count"))
            && used > experts
        {
            gguf.issue(at, format!("{used} experts of {experts} are used"));
        }
        self.embedding(gguf, of("embedding_length"));
    }

    /// A row for every token, as long as the model is wide.
    fn embedding(&self, gguf: &mut Gguf, width: Option<(u64, i128)>) {
        let Some(table) = gguf.tensors.iter().find(|tensor| tensor.name == "token_embd.weight") else {
            return;
        };
        let &[row, rows] = &table.shape[..] else { return };
        if let Some((at, width)) = width
            && i128::from(row) < width
        {
            gguf.issue(
                at,
                format!("the model is {width} wide, and a row of its embedding has {row} numbers"),
            );
        }
        if let Some(tokens) = self.arrays.get("tokenizer.ggml.tokens")
            && rows < tokens.count
        {
            let what = format!("{} tokens have an embedding of {rows} rows", tokens.count);
            gguf.issue(tokens.at, what);
        }
    }
}

/// The number of the block that a tensor belongs to.
fn block(tensor: &Tensor) -> Option<u64> {
    tensor.name.strip_prefix("blk.")?.split('.').next()?.parse().ok()
}
