//! What one side of a comparison says: the lines that a patch adds or takes away, and either side of conflicts.

use std::ops::Range;

use super::scan::Scan;
use super::{Reading, Transform};

/// Fewest lines of one side.
const LEAST: usize = 3;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'\n') < LEAST {
        return;
    }
    if scan.has(b'<') >= 14 && scan.has(b'=') >= 14 {
        conflicts(scan, readings);
    }
    for sign in [b'+', b'-'] {
        if scan.has(sign) >= LEAST {
            changed(scan, char::from(sign), readings);
        }
    }
}

/// The text between `<<<<<<<` and `=======`, and between that and `>>>>>>>`.
fn conflicts(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut sides: [Vec<&str>; 2] = Default::default();
    let mut count = 0;
    let mut range: Option<Range<usize>> = None;
    let mut side = None;
    for (start, line) in scan.lines() {
        if line.starts_with("<<<<<<<") {
            side = Some(0);
            count += 1;
        } else if line.starts_with("=======") && side == Some(0) {
            side = Some(1);
        } else if line.starts_with(">>>>>>>") {
            side = None;
        } else {
            if let Some(lines) = side.and_then(|side: usize| sides.get_mut(side)) {
                lines.push(line);
            }
            continue;
        }
        let first = range.map_or(start, |range: Range<usize>| range.start);
        range = Some(first..start + line.len());
    }
    if let Some(range) = range.filter(|_| count >= 2) {
        for lines in sides {
            readings.push(Reading::of(Transform::Ordered, vec![(range.clone(), together(&lines))]));
        }
    }
}

/// Lines of a patch that begin with a sign, apart from those that name files.
fn changed(scan: &Scan<'_>, sign: char, readings: &mut Vec<Reading>) {
    let is_patch = scan.lines().any(|(_, line)| line.starts_with("@@ ") || line.starts_with("diff "));
    if !is_patch {
        return;
    }
    let mut found: Vec<&str> = Vec::new();
    let mut range: Option<Range<usize>> = None;
    for (start, line) in scan.lines() {
        let Some(said) = line.strip_prefix(sign).filter(|said| !said.starts_with(sign)) else { continue };
        found.push(said);
        let first = range.map_or(start, |range: Range<usize>| range.start);
        range = Some(first..start + line.len());
    }
    if let Some(range) = range.filter(|_| found.len() >= LEAST) {
        readings.push(Reading::of(Transform::Ordered, vec![(range, together(&found))]));
    }
}

/// Lines as one text: scripts without spaces are written on without one.
fn together(lines: &[&str]) -> String {
    let spaced = lines.iter().any(|line| line.trim().contains(' ') || line.is_ascii());
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(if spaced { " " } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_is_read_by_itself() {
        let said = |text: &str| {
            let mut readings = Vec::new();
            read(&Scan::of(text), &mut readings);
            readings.into_iter().flat_map(|reading| reading.edits).map(|(_, said)| said).collect::<Vec<_>>()
        };
        let conflict =
            |ours: &str, theirs: &str| format!("<<<<<<< HEAD\n{ours}\n=======\n{theirs}\n>>>>>>> other\n");
        let text = conflict("no", "bring the") + &conflict("nothing", "blue folder");
        assert_eq!(said(&text), ["no nothing", "bring the blue folder"]);
        let patch = "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n-old\n+bring\n the\n+the\n-new\n+folder\n";
        assert_eq!(said(patch), ["bring the folder"]);
        assert!(said("- one\n- two\n- three\n+ four").is_empty());
    }
}
