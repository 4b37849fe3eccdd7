//! How much of what texts said before they were disguised comes back in a reading of them, a line each: the share of the
//! plain text's words that stand in the best reading, how that was read, and its beginning.
//!
//! Texts are lines of `{"id", "plain", "text"}`.
//!
//! ```sh
//! cargo run --release -p proofhouse-guard --example read_back -- TEXTS
//! ```

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for people, on texts at hand")]

use std::collections::BTreeSet;

use proofhouse_guard::normal::{Budget, Transform, normalise};

#[derive(serde::Deserialize)]
struct Line {
    id: String,
    plain: String,
    text: String,
}

fn main() {
    let path = std::env::args().nth(1).unwrap();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let line: Line = serde_json::from_str(line).unwrap();
        let none = Budget { depth: 0, ..Budget::default() };
        let said = groups(&normalise(&line.plain, &none).text);
        let form = normalise(&line.text, &Budget::default());
        let views = form.views.iter().map(|view| (view.how.as_slice(), view.text.as_str()));
        let all = std::iter::once((&[] as &[Transform], form.text.as_ref())).chain(views);
        let share = |text: &str| {
            let read = groups(text);
            said.intersection(&read).count() as f64 / said.len().max(1) as f64
        };
        let (best, how, text) =
            all.map(|(how, text)| (share(text), how, text)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        let how: Vec<&str> = how.iter().map(Transform::name).collect();
        let start: String = text.chars().take(60).collect();
        println!("{best:.2}\t{}\t{}\t{}\t{start:?}", line.id, how.join("+"), form.views.len());
    }
}

/// Four characters in a row, white space left out, so that words that run together count as well.
fn groups(text: &str) -> BTreeSet<String> {
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    letters.windows(4).map(|group| group.iter().collect()).collect()
}
