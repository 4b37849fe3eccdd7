//! Archives of repositories: what their members name is followed among the members.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use proofhouse_scan::{FileReport, Limits, Outcome, scan_bytes};

/// A tar archive, as POSIX has it: a header of 512 bytes and padded content for each member.
fn tar(members: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in members {
        let mut header = [0u8; 512];
        let mut put = |at: usize, text: &str| {
            header.iter_mut().skip(at).zip(text.bytes()).for_each(|(b, c)| *b = c);
        };
        put(0, name);
        put(100, "0000644\0");
        put(108, "0000000\0");
        put(116, "0000000\0");
        put(124, &format!("{:011o}\0", content.len()));
        put(136, "00000000000\0");
        put(148, "        ");
        put(156, "0");
        put(257, "ustar\x0000");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").bytes()).for_each(|(b, c)| *b = c);
        out.extend(header);
        out.extend(content.bytes());
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

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
