//! TorchScript: source that torch's own interpreter runs, not Python's.
//!
//! Its language has no imports and no files, but operators that have: what is called must be an operator of
//! torch's own namespaces that reaches nothing but tensors, or something the archive itself defines. Source:
//! `torch/csrc/jit/serialization/python_print.cpp`.

use crate::scanner::{Content, Scanner};
use crate::torch_classes;

/// Namespaces of operators that torch and its companions register.
const NAMESPACES: [&str; 8] =
    ["aten", "prim", "quantized", "_quantized", "prepacked", "mkldnn_prepacked", "sparse", "torchvision"];

/// Functions of torch that reach files.
const FILES: [&str; 5] =
    ["torch.from_file", "torch.save", "torch.load", "ops.aten.from_file", "ops.aten.save"];

pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    let Ok(text) = std::str::from_utf8(content.bytes) else {
        return scanner.report("torch/script", content.place.clone(), "script code that is no text");
    };
    super::flow::judge(scanner, &content.place, text);
    for (index, line) in text.lines().enumerate() {
        for path in paths(line) {
            let Some(what) = reaches(path) else { continue };
            let mut place = content.place.clone();
            place.line = Some(index as u64 + 1);
            scanner.report("torch/script", place, format!("the script uses {path}, {what}"));
        }
    }
}

/// The program of the lite interpreter, which names its operators beside its instructions and runs them, not the source.
pub(super) fn bytecode(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    for (at, name) in operators(content.bytes) {
        let path = format!("ops.{}", name.replace("::", "."));
        if let Some(what) = reaches(&path) {
            let message = format!("the program uses {path}, {what}");
            scanner.report("torch/script", content.at(at as u64), message);
        }
    }
}

/// Characters of the name of an operator.
const LONGEST_NAME: usize = 128;

/// Names of operators in a pickle: texts with two colons in them, each behind its length in four bytes or in one.
fn operators(bytes: &[u8]) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    memchr::memmem::find_iter(bytes, b"::").filter_map(move |colons| {
        let before = bytes.get(colons.saturating_sub(LONGEST_NAME)..colons)?;
        let start = colons - before.iter().rev().take_while(|b| is_word(b)).count();
        let four = bytes.get(start.checked_sub(4)?..start)?.first_chunk()?;
        let length = match usize::try_from(u32::from_le_bytes(*four)).ok()? {
            length @ ..=LONGEST_NAME => length,
            _ => usize::from(*bytes.get(start.checked_sub(1)?)?),
        };
        let name = std::str::from_utf8(bytes.get(start..start.checked_add(length)?)?).ok()?;
        name.contains("::").then_some((start, name))
    })
}

fn reaches(path: &str) -> Option<&'static str> {
    let mut parts = path.split('.');
    match (parts.next()?, parts.next()) {
        _ if FILES.contains(&path) => Some("which reaches files"),
        ("ops", Some(namespace)) if !NAMESPACES.contains(&namespace) => {
            Some("an operator of somebody's library")
        }
        ("torch", Some("classes" | "ops")) | ("__torch__", Some("torch"))
            if path.contains("torch.classes.") && !torch_classes::keeps_weights(path) =>
        {
            Some("a class of somebody's library")
        }
        ("import" | "exec" | "eval" | "open" | "__import__", None) => Some("which is no TorchScript"),
        _ => None,
    }
}

/// Dotted names outside strings and comments.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let mut quote = None;
    line.split(move |c: char| {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        quote.is_some() || !(c.is_alphanumeric() || matches!(c, '_' | '.'))
    })
    .filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{operators, paths, reaches};

    #[test]
    fn operators_of_torch_reach_tensors_only() {
        let found = |line| paths(line).filter_map(reaches).count();
        assert_eq!(found("    _0 = torch.relu((layer).forward(x, ))"), 0);
        assert_eq!(found("  y = ops.quantized.linear(x, w, 1., 0)"), 0);
        assert_eq!(found("  layer : __torch__.torch.nn.modules.linear.Linear"), 0);
        assert_eq!(found("  ops.prim.RaiseException(\"torch.save is not open\")"), 0);
        assert_eq!(found("  x = torch.from_file('/etc/passwd', False, 10)"), 1);
        assert_eq!(found("  ops.evil.run(x)"), 1);
        assert_eq!(found("  a : __torch__.torch.classes.evil.Run"), 1);
        assert_eq!(found("  a : __torch__.torch.classes.rnn.CellParamsBase"), 0);
        assert_eq!(found("import os"), 1);
        // What follows a text is the next instruction of the pickle, here one that keeps it.
        let program =
            b"(X\x0a\0\0\0aten::saveq\x01X\x06\0\0\0Tensorq\x02\x8c\x09evil::runX\x09\0\0\0aten::addq";
        let names: Vec<&str> = operators(program).map(|(_, name)| name).collect();
        assert_eq!(names, ["aten::save", "evil::run", "aten::add"]);
    }
}
