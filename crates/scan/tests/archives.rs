//! Archives of repositories: what their members name is followed among the members.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use pack::{gzip, tar, zip};
use proofhouse_scan::{FileReport, Limits, Outcome, scan_bytes};

mod folder;
mod pack;

fn scan(members: &[(&str, &str)]) -> FileReport {
    scan_bytes(&"model.tar".parse().unwrap(), &tar(members), &Limits::default())
}

fn rules(report: &FileReport) -> Vec<&str> {
    report.findings.iter().map(|f| f.rule.as_str()).collect()
}

const HELPER: &str = "import os\n\ndef go(x):\n    return os.popen(x).read()\n";

#[test]
fn what_a_member_names_is_followed_among_the_members() {
    // In each, only following the name from one member to the other tells what runs.
    for (members, rule) in [
        (
            &[
                ("m/config.json", "{\"auto_map\": {\"AutoModel\": \"net.M\"}}"),
                (
                    "m/net.py",
                    "from .helper import go\n\nclass M:\n    def __init__(self, c):\n        go(c)\n",
                ),
                ("m/helper.py", HELPER),
            ][..],
            "python/runs-on-import",
        ),
        (
            &[
                ("MAR-INF/MANIFEST.json", "{\"model\": {\"handler\": \"serve_it.py:answer\"}}"),
                ("serve_it.py", "import helper\n\ndef answer(data, context):\n    return helper.go(data)\n"),
                ("helper.py", HELPER),
            ],
            "python/runs-in-use",
        ),
        (
            &[
                ("p/.data/extern_modules", "torch\n"),
                (
                    "p/net.py",
                    "import os\n\nclass Net:\n    def __setstate__(self, state):\n        os.system('true')\n",
                ),
            ],
            "python/runs-on-import",
        ),
        (
            &[
                ("pyproject.toml", "[build-system]\nbuild-backend = \"own\"\nbackend-path = [\".\"]\n"),
                ("own.py", "import os\n\ndef build_wheel(a, b=None, c=None):\n    os.system('true')\n"),
            ],
            "python/runs-on-import",
        ),
    ] {
        let report = scan(members);
        assert!(rules(&report).contains(&rule), "{members:?}: {:?}", report.findings);
        assert!(report.outcome >= Outcome::Suspicious);
        // Alone, the sources do nothing.
        let alone: Vec<(&str, &str)> =
            members.iter().filter(|(name, _)| name.ends_with(".py")).copied().collect();
        assert!(!rules(&scan(&alone)).contains(&rule), "{alone:?}: {:?}", scan(&alone).findings);
    }
}

#[test]
fn places_lead_into_the_archive() {
    let report = scan(&[
        ("m/config.json", "{\"auto_map\": {\"AutoModel\": \"net.M\"}}"),
        ("m/net.py", "from .helper import go\n\nclass M:\n    def __init__(self, c):\n        go(c)\n"),
        ("m/helper.py", HELPER),
    ]);
    let finding = report.findings.iter().find(|f| f.rule == "python/runs-on-import").unwrap();
    assert_eq!(finding.place.path, "model.tar");
    assert_eq!(finding.place.member.as_deref(), Some("m/helper.py"));
    assert_eq!(finding.place.line, Some(4));
}

#[test]
fn ordinary_sources_in_an_archive_are_clean() {
    let report = scan(&[
        ("m/config.json", "{\"auto_map\": {\"AutoModel\": \"net.M\"}}"),
        (
            "m/net.py",
            "import torch\nfrom .helper import scale\n\nclass M(torch.nn.Module):\n    def __init__(self, c):\n        super().__init__()\n        self.s = scale(c)\n",
        ),
        ("m/helper.py", "def scale(c):\n    return c.hidden ** -0.5\n"),
    ]);
    assert_eq!(report.outcome, Outcome::Clean, "{:?}", report.findings);
}

/// A folder in each kind of archive that holds it.
fn packed(files: &[(String, Vec<u8>)]) -> [(&'static str, Vec<u8>); 5] {
    let below: Vec<(String, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (format!("./{name}"), bytes.clone())).collect();
    let tarred = tar(&below);
    [
        ("a.zip", zip(files)),
        ("a.tar.gz", gzip(&tarred)),
        ("b.zip", zip(&[("inner/a.tar", &tarred)])),
        ("b.tar", tar(&[("x/a.zip", zip(files))])),
        ("a.tar", tarred),
    ]
}

fn outcome(name: &str, bytes: &[u8]) -> Outcome {
    scan_bytes(&name.parse().unwrap(), bytes, &Limits::default()).outcome
}

#[test]
fn a_folder_in_an_archive_is_accounted_for_as_on_disk() {
    for folder in ["orbax/zarr2", "orbax/zarr3", "formats/exported"] {
        let files = folder::files(folder);
        for (name, bytes) in packed(&files) {
            let report = scan_bytes(&name.parse().unwrap(), &bytes, &Limits::default());
            assert_eq!(report.outcome, Outcome::Clean, "{folder} in {name}: {:#?}", report.findings);
        }
        for index in 0..files.len() {
            let bare = files[index].0.contains("d/") || files[index].0.contains(".data-");
            if !bare {
                continue;
            }
            let mut longer = files.clone();
            longer[index].1.extend(b"#!/bin/sh\ntouch /tmp/x\n");
            for (name, bytes) in packed(&longer) {
                assert!(outcome(name, &bytes) >= Outcome::Suspicious, "{} longer in {name}", files[index].0);
            }
            // In another folder, or another archive, nobody accounts for it.
            let mut elsewhere = files.clone();
            elsewhere[index].0.insert_str(0, "other/");
            for (name, bytes) in packed(&elsewhere) {
                assert!(outcome(name, &bytes) > Outcome::Clean, "{} elsewhere in {name}", files[index].0);
            }
            let mut outside = files.clone();
            let (path, bytes) = outside.remove(index);
            let apart = tar(&[(path, bytes), ("in.zip".to_owned(), zip(&outside))]);
            assert!(outcome("apart.tar", &apart) > Outcome::Clean, "{}", files[index].0);
        }
    }
}

#[test]
fn what_is_unpacked_twice_counts_twice() {
    let files = folder::files("formats/exported");
    let scan = |bytes: u64| {
        let limits = Limits { decompressed_bytes: bytes, ..Limits::default() };
        scan_bytes(&"a.zip".parse().unwrap(), &zip(&files), &limits).outcome
    };
    let all: u64 = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    assert_eq!(scan(all * 2), Outcome::Clean);
    assert!(scan(all) > Outcome::Clean && scan(all + 1) > Outcome::Clean);
}

#[test]
fn archives_of_many_bare_members_end() {
    let members: Vec<(String, Vec<u8>)> =
        (0..60_000u32).map(|n| (format!("d/{n}"), n.to_le_bytes().repeat(3))).collect();
    assert!(outcome("many.tar", &tar(&members)) > Outcome::Clean);
}
