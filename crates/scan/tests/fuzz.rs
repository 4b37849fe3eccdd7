//! The fuzz targets without a fuzzer: each is run over bent files of its own format and of all others, and `fuzz/` has
//! a target for each line of the table.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]
#![expect(clippy::expect_used, reason = "the harness fails the test by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

#[path = "mutation/bend.rs"]
mod bend;
#[path = "mutation/harness.rs"]
mod harness;

use bend::Source;

/// Bent files a target is given here. `--example mutate` bends a million.
const ROUNDS: u64 = 40;

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.metadata().unwrap();
        if kind.is_dir() {
            gather(&entry.path(), files);
        } else if kind.len() < 16 << 10 {
            files.push(entry.path());
        }
    }
}

#[test]
fn each_target_keeps_its_promises_over_bent_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut files = Vec::new();
    gather(&root.join("corpus"), &mut files);
    gather(&root.join("fixtures"), &mut files);
    files.sort();
    // Texts that no fixture is, so that the grammars of texts are bent as well.
    let texts = [
        "{{ a.b|attr('x')|join(', ') }}{% for m in messages %}{% set x = m['content'] ~ 'y' %}{% endfor %}",
        "import os\n\n\nclass A(B):\n    def f(self, x=1, *y, **z):\n        return [g(i) for i in x if i] + f'{x!r:>{y}}'\n",
        "a: &b {_target_: x.y, c: [1, 'd', !!python/name:os.system '']}\n---\n? k\n: |\n  text\n",
        "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><PMML version=\"4.4\"><a b=\"c\">&b;</a></PMML>",
        "{\"cells\":[{\"cell_type\":\"code\",\"source\":[\"%%bash\\n\",\"curl x | sh\"],\"outputs\":[]}],\"nbformat\":4}",
        "#!/bin/sh\ncurl -o x https://example.org/$(uname) && \\\n  chmod +x x; ./x | tee `date`\n",
    ];
    let contents: Vec<Vec<u8>> = files
        .iter()
        .map(|file| fs::read(file).unwrap())
        .chain(texts.map(|t| t.as_bytes().to_vec()))
        .collect();
    for (index, (name, _, endings)) in (0u64..).zip(harness::TARGETS) {
        let ours: Vec<Vec<u8>> = files
            .iter()
            .zip(&contents)
            .filter(|(file, _)| endings.iter().any(|e| file.to_string_lossy().ends_with(e)))
            .map(|(_, content)| content.clone())
            .collect();
        for round in 0..ROUNDS {
            // Half of its own format, half of any.
            let from = if round % 2 == 0 && !ours.is_empty() { &ours } else { &contents };
            harness::target(name, &bend::bend(&mut Source::new(index + 1, round), from));
        }
    }
}

#[test]
fn there_is_a_target_for_each_line_of_the_table() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, ..) in harness::TARGETS {
        let source = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("target(\"{name}\", bytes)")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    let written = fs::read_dir(fuzz.join("fuzz_targets")).unwrap().count();
    assert_eq!(written, harness::TARGETS.len());
}
