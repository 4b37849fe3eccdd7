use proptest::prelude::*;

use super::*;

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

fn file(pairs: &[Vec<u8>], tensors: &[Vec<u8>], data: &[u8]) -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((pairs.len() as u64).to_le_bytes());
    bytes.extend(pairs.concat());
    bytes.extend(tensors.concat());
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    bytes.extend(data);
    bytes
}

fn pair(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&text(key)[..], &kind.to_le_bytes(), value].concat()
}

fn tensor(name: &str, shape: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let mut bytes = [&text(name)[..], &(shape.len() as u32).to_le_bytes()].concat();
    shape.iter().for_each(|d| bytes.extend(d.to_le_bytes()));
    bytes.extend(kind.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes
}

fn sample() -> Vec<u8> {
    let words = [&8u32.to_le_bytes()[..], &2u64.to_le_bytes(), &text("a"), &text("b")].concat();
    let pairs = [
        pair("general.architecture", 8, &text("llama")),
        pair("tokenizer.ggml.tokens", 9, &words),
        pair("llama.context_length", 4, &[0, 16, 0, 0]),
        pair("flag", 7, &[1]),
    ];
    let tensors = [tensor("a", &[4, 2], 0, 0), tensor("b", &[32], 2, 32)];
    let mut data = vec![7u8; 32 + 18];
    data.resize(64, 0);
    file(&pairs, &tensors, &data)
}

#[test]
fn a_file_by_the_rules_has_no_issue() {
    let gguf = parse(&sample()).unwrap();
    assert_eq!(gguf.issues, []);
    assert_eq!((gguf.version, gguf.pairs, gguf.tensors.len()), (3, 4, 2));
    assert_eq!(gguf.texts[0].value, "llama");
    assert_eq!(gguf.tensors[1].bytes, Some(18));
}

#[test]
fn each_broken_rule_is_told() {
    let one = |tensors: &[Vec<u8>], data: &[u8]| parse(&file(&[], tensors, data)).unwrap().issues;
    let says = |issues: &[Issue], what: &str| issues.iter().any(|i| i.what.contains(what));
    assert!(says(&one(&[tensor("a", &[8], 0, 0)], &[0; 16]), "lies outside"));
    assert!(says(&one(&[tensor("a", &[8], 0, 0), tensor("b", &[8], 0, 0)], &[0; 32]), "shares bytes"));
    assert!(says(&one(&[tensor("a", &[8], 0, 4)], &[0; 64]), "does not begin at a multiple"));
    assert!(says(&one(&[tensor("a", &[u64::MAX, 2], 0, 0)], &[0; 32]), "overflows"));
    assert!(says(&one(&[tensor("a", &[8], 0, 0)], &[0; 200]), "belong to no key"));
    assert!(says(&one(&[tensor("a", &[8], 99, 0)], &[0; 32]), "not known here"));
    let twice = [pair("k", 4, &[0; 4]), pair("k", 4, &[1; 4])];
    assert!(says(&parse(&file(&twice, &[], &[])).unwrap().issues, "stands twice"));
}

#[test]
fn numbers_by_which_loaders_index_agree() {
    let array = |key: &str, kind: u32, count: u64, bytes: &[u8]| {
        pair(key, 9, &[&kind.to_le_bytes()[..], &count.to_le_bytes(), bytes].concat())
    };
    let words = |count: u64| {
        array("tokenizer.ggml.tokens", 8, count, &text("w").repeat(usize::try_from(count).unwrap()))
    };
    let number = |key: &str, n: u32| pair(key, 4, &n.to_le_bytes());
    let llama = pair("general.architecture", 8, &text("llama"));
    let says = |pairs: &[Vec<u8>], tensors: &[Vec<u8>]| {
        let pairs = [&[llama.clone(), words(4)], pairs].concat();
        let data = vec![0; 64 * tensors.len()];
        let issues = parse(&file(&pairs, tensors, &data)).unwrap().issues;
        issues.into_iter().map(|issue| issue.what).collect::<Vec<_>>().join("; ")
    };
    let rows = |n| tensor("token_embd.weight", &[4, n], 0, 0);
    let query = tensor("blk.3.attn_q.weight", &[16], 0, 64);
    let good = [
        array("tokenizer.ggml.scores", 6, 4, &[0; 16]),
        array("tokenizer.ggml.token_type", 5, 4, &[0; 16]),
        number("tokenizer.ggml.eos_token_id", 3),
        number("llama.block_count", 4),
        number("llama.attention.head_count", 2),
        number("llama.embedding_length", 4),
    ];
    assert_eq!(says(&good, &[rows(4), query.clone()]), "");
    for (pair, what) in [
        (array("tokenizer.ggml.scores", 6, 3, &[0; 12]), "3 elements for 4 tokens"),
        (array("tokenizer.ggml.token_type", 0, 4, &[0; 4]), "read as another"),
        (number("tokenizer.ggml.padding_token_id", 4), "is 4, and the vocabulary has 4"),
        (pair("tokenizer.ggml.bos_token_id", 5, &(-2i32).to_le_bytes()), "is -2"),
        (number("llama.block_count", 3), "a tensor is of block 3"),
        (number("llama.block_count", 1 << 30), "no model has"),
        (number("llama.attention.head_count", 0), "by which readers divide"),
        (number("llama.embedding_length", 5), "has 4 numbers"),
    ] {
        let told = says(&[pair], &[rows(4), query.clone()]);
        assert!(told.contains(what), "{what}: {told}");
    }
    assert!(says(&[], &[rows(3), query.clone()]).contains("3 rows"));
    let recurrent = tensor("blk.0.ssm_a", &[16], 0, 64);
    assert_eq!(says(&[number("llama.attention.head_count", 0)], &[rows(4), recurrent]), "");
    assert!(says(&[], &[tensor("a", &[8], 255, 0)]).contains("no version of ggml"));
}

#[test]
fn counts_that_lie_are_refused_before_anything_is_allocated() {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(u64::MAX.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    assert!(parse(&bytes).unwrap_err().to_string().contains("it claims 18446744073709551615 tensors"));
    let array = [&6u32.to_le_bytes()[..], &(1u64 << 62).to_le_bytes()].concat();
    assert!(parse(&file(&[pair("a", 9, &array)], &[], &[])).is_err());
    let mut nested = Vec::new();
    for _ in 0..30_000 {
        nested.extend(9u32.to_le_bytes());
        nested.extend(1u64.to_le_bytes());
    }
    let error = parse(&file(&[pair("a", 9, &nested)], &[], &[])).unwrap_err();
    assert!(error.to_string().contains("nested deeper"), "{error}");
}

proptest! {
    #[test]
    fn damaged_files_are_errors_or_issues_and_never_more(
        flips in prop::collection::vec((0usize..400, any::<u8>()), 1..8),
        cut in 0usize..400,
    ) {
        let mut bytes = sample();
        for (at, value) in flips {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        bytes.truncate(bytes.len().saturating_sub(cut % 100));
        let _ = parse(&bytes);
    }

    #[test]
    fn arbitrary_bytes_end(tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&[&b"GGUF\x03\0\0\0"[..], &tail].concat());
    }
}
