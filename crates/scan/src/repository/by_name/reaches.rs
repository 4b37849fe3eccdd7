//! Paths by which a description of data reaches out of its folder: cards of data sets, which name the files that make their
//! splits.

use proofhouse_core::Place;

use super::tools::at;
use crate::formats::stays_inside;
use crate::scanner::{Content, Scanner};

/// Most lines of a card's head.
const HEAD: usize = 5000;

pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, name: &str, text: &str) {
    if name == ".huggingface.yaml" || name == "readme.md" && text.starts_with("---") {
        card(scanner, content, text);
    }
}

/// The head of a card, in YAML between two rules: `configs` has the files of each split (Hub, "Manual configuration").
fn card(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    const FILES: [&str; 4] = ["path", "data_files", "data_dir", "metadata_file"];
    let mut lines = text.lines().zip(0u64..).peekable();
    let ruled = lines.next_if(|(line, _)| line.trim_end() == "---").is_some();
    let mut list = false;
    for (line, index) in lines.take(HEAD).take_while(|(line, _)| !(ruled && line.trim_end() == "---")) {
        let plain = line.trim_start().trim_start_matches("- ");
        let (key, value) = plain.split_once(':').map_or(("", plain), |(key, value)| (key.trim(), value));
        let value = value.trim().trim_matches(['"', '\'']);
        if !key.is_empty() {
            list = FILES.contains(&key) && value.is_empty();
        }
        let names_files = FILES.contains(&key) || key.is_empty() && list;
        if names_files && leaves(value) {
            outside(scanner, at(content, index), "a card has its data read from", value);
        }
    }
}

/// Whether a path that stands for files of the folder leads out of it: other protocols are fetched, and are told elsewhere.
pub(super) fn leaves(path: &str) -> bool {
    !path.is_empty() && !path.contains("://") && (!stays_inside(path) || path.starts_with('~'))
}

pub(super) fn outside(scanner: &mut Scanner<'_>, place: Place, what: &str, path: &str) {
    scanner.report("repo/unsafe-path", place, format!("{what} {path:?}, outside of the folder"));
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    fn outcome(name: &str, text: &str) -> Outcome {
        scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
    }

    #[test]
    fn data_of_others_are_told() {
        let card = |path: &str| {
            format!(
                "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: {path}\n---\n# Data\n"
            )
        };
        for path in ["/home/*/.ssh/id_*", "\"../../**\"", "~/.aws/credentials"] {
            assert_eq!(outcome("README.md", &card(path)), Outcome::Suspicious, "{path}");
        }
        for path in ["data/train-*.parquet", "\"*.csv\"", "https://example.org/a.csv"] {
            assert_eq!(outcome("README.md", &card(path)), Outcome::Clean, "{path}");
        }
        assert_eq!(
            outcome(
                "README.md",
                "---\nconfigs:\n- data_files:\n  - train.csv\n  - /home/me/.ssh/id_rsa\n---\n"
            ),
            Outcome::Suspicious
        );
        let text = "# M\n\nSet the path: /home/me/data, or\n- path: ../up\n";
        assert_eq!(outcome("README.md", text), Outcome::Clean);
    }
}
