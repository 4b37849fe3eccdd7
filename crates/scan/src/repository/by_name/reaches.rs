//! Paths by which a description of data or of a served model reaches out of its folder: cards of data sets, which name the
//! files that make their splits, and configurations of Triton, which name an interpreter's environment and a first input.

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
    if name == "config.pbtxt" {
        triton(scanner, content, text);
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

/// Parameters of the Python backend and files for the first request (Triton, "Python backend", "Model configuration").
fn triton(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let mut environment = false;
    for (line, index) in text.lines().zip(0u64..) {
        environment |= line.contains("EXECUTION_ENV_PATH");
        for (key, value) in quoted(line) {
            let taken = match key {
                "string_value" if environment => {
                    environment = false;
                    value.strip_prefix("$$TRITON_MODEL_DIRECTORY/").unwrap_or(value)
                }
                "input_data_file" => value,
                _ => continue,
            };
            if leaves(taken) {
                outside(scanner, at(content, index), "the server is to take", value);
            }
        }
    }
}

/// Fields of a line with their values in quotes.
fn quoted(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.match_indices(": \"").filter_map(|(colon, mark)| {
        let key = line.get(..colon)?.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
        Some((key, line.get(colon + mark.len()..)?.split('"').next()?))
    })
}

/// Whether a path that stands for files of the folder leads out of it: other protocols are fetched, and are told elsewhere.
fn leaves(path: &str) -> bool {
    !path.is_empty() && !path.contains("://") && (!stays_inside(path) || path.starts_with('~'))
}

fn outside(scanner: &mut Scanner<'_>, place: Place, what: &str, path: &str) {
    scanner.report("repo/unsafe-path", place, format!("{what} {path:?}, outside of the folder"));
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    fn outcome(name: &str, text: &str) -> Outcome {
        scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
    }

    #[test]
    fn data_and_environments_of_others_are_told() {
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
        let served = |path: &str, first: &str| {
            format!(
                "backend: \"python\"\nparameters {{ key: \"EXECUTION_ENV_PATH\"\n  value {{ string_value: \"{path}\" }} }}\nmodel_warmup [ {{ inputs {{ key: \"x\" value: {{ input_data_file: \"{first}\" }} }} }} ]\n"
            )
        };
        let own = "$$TRITON_MODEL_DIRECTORY/env.tar.gz";
        assert_eq!(outcome("config.pbtxt", &served(own, "raw_x")), Outcome::Clean);
        assert_eq!(outcome("config.pbtxt", &served("/tmp/env.tar.gz", "raw_x")), Outcome::Suspicious);
        assert_eq!(outcome("config.pbtxt", &served(own, "../../etc/shadow")), Outcome::Suspicious);
        assert_eq!(
            outcome("config.pbtxt", &served("$$TRITON_MODEL_DIRECTORY/../../x", "raw_x")),
            Outcome::Suspicious
        );
    }
}
