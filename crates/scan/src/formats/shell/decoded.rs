//! What a shell decodes and evaluates in one line: `eval "$(… | base64 -d)"`, `bash <(xxd -r -p x)`, `. <<< "$(…)"`.

use super::{DECODERS, FETCHERS, INTERPRETERS, command};

/// Bytes around the beginning of a substitution that are looked at: commands are shorter, and a line may be all beginnings.
const LONGEST: usize = 4096;

/// Whether a line gives an interpreter, by a substitution, what it decodes.
pub(super) fn evaluates(line: &str) -> bool {
    let opened = |mark: &'static str| line.match_indices(mark).map(move |(at, _)| (at, mark));
    opened("$(").chain(opened("<(")).chain(opened("`")).any(|(at, mark)| {
        let inner = line.get(at + mark.len()..).unwrap_or_default();
        let inner = inner.get(..inner.floor_char_boundary(LONGEST)).unwrap_or_default();
        let end = if mark == "`" { inner.find('`') } else { closing(inner) };
        let inner = inner.get(..end.unwrap_or(inner.len())).unwrap_or_default();
        let before = line.get(line.floor_char_boundary(at.saturating_sub(LONGEST))..at);
        decodes(inner) && before.is_some_and(interprets)
    })
}

/// Where the bracket closes that stands open at the beginning.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1u32;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

/// Whether one of the stages turns data back into what it was.
pub(crate) fn decodes(commands: &str) -> bool {
    commands.split(['|', ';', '&', '(', '\n']).any(|stage| {
        let Some((name, words)) = command(stage) else { return false };
        let asks = |letters: &[char]| {
            words.iter().skip(1).any(|w| match w.strip_prefix("--") {
                Some(long) => long.starts_with("dec"),
                None => w.strip_prefix('-').is_some_and(|short| short.contains(letters)),
            })
        };
        match name.as_str() {
            "gunzip" | "zcat" | "bunzip2" | "bzcat" | "unxz" | "xzcat" => true,
            "xxd" => asks(&['r']),
            "rev" => true,
            other => {
                (DECODERS.contains(&other) || matches!(other, "gzip" | "xz" | "bzip2")) && asks(&['d', 'D'])
            }
        }
    })
}

/// Whether what stands in front of a substitution runs what it gives.
fn interprets(before: &str) -> bool {
    let before = before.trim_end().trim_end_matches(['"', '\'']).trim_end();
    let last = before.rsplit([';', '&', '|', '(', '\n']).next().unwrap_or_default();
    let bare = last.trim_end_matches("<<<").trim_end_matches('<').trim_end();
    let Some((name, words)) = command(bare) else { return false };
    let runs = INTERPRETERS.contains(&name.as_str()) && name != "chmod";
    // `python train.py "$(…)"` passes an argument.
    runs && words.iter().skip(1).all(|word| word.starts_with('-'))
}

/// The line with the names of programs that fetch or run written without the quotes and backslashes in them, which a shell
/// drops: `c'u'rl`, `\sh`.
pub(super) fn spelt_out(line: &str) -> Option<String> {
    let marks = ['\'', '"', '\\'];
    if !line.contains(marks) {
        return None;
    }
    let mut out = String::with_capacity(line.len());
    let mut changed = false;
    for word in line.split_inclusive(|c: char| c.is_whitespace() || "|;&()`".contains(c)) {
        let body = word.trim_end_matches(|c: char| c.is_whitespace() || "|;&()`".contains(c));
        // Quotes around a word are marks of its statement.
        let inner = body.trim_matches(['\'', '"']);
        let escaped = body.starts_with('\\');
        let name = inner.replace(marks, "");
        let program = name.rsplit('/').next().unwrap_or_default();
        let known =
            FETCHERS.contains(&program) || INTERPRETERS.contains(&program) || DECODERS.contains(&program);
        if known && program.len() > 1 && (inner.contains(marks) || escaped) {
            out.push_str(&name);
            out.push_str(word.get(body.len()..).unwrap_or_default());
            changed = true;
        } else {
            out.push_str(word);
        }
    }
    changed.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::evaluates;

    #[test]
    fn what_is_decoded_and_evaluated_is_told() {
        for line in [
            "eval \"$(echo aWQ= | base64 -d)\"",
            "eval $(base64 --decode <<< aWQ=)",
            "eval `echo aWQ= | base64 -D`",
            "bash -c \"$(echo aWQ= | base64 -di)\"",
            "bash <(base64 -d payload)",
            ". <(echo 6964 | xxd -r -p)",
            "source <(zcat notes.gz)",
            "sh <<< \"$(openssl enc -d -aes256 -in x)\"",
            "python3 -c \"$(echo aWQ= | base64 -d)\"",
            "set -e; eval \"$(printf aWQ= | base64 -d)\"",
        ] {
            assert!(evaluates(line), "{line}");
        }
        for line in [
            "eval \"$(conda shell.bash hook)\"",
            "echo \"$(echo aWQ= | base64 -d)\"",
            "TOKEN=$(echo $T | base64 -d)",
            "python train.py --key \"$(echo $K | base64 -d)\"",
            "source env.sh && echo $(base64 -d x)",
            "bash -c \"$(cat run.sh | base64)\"",
            "eval \"$(",
            "`",
        ] {
            assert!(!evaluates(line), "{line}");
        }
    }
}
