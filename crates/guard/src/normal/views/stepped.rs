//! Caesar's cipher with a shift that grows: by the same number of places from each letter to the next (the table of
//! Trithemius), or by one more each time.
//!
//! Once each letter is moved back by what its place adds, what is left is Caesar's cipher.

use super::ciphers::shifted;
use super::pairs::LatinPairs;

/// Letters on which a step is tried.
const SAMPLE: usize = 160;
/// Fewest pairs of letters.
const LEAST: usize = 24;
/// The order of letters of language, in hundredths of a level: chance has many tries.
const LANGUAGE: u32 = 790;

/// What is counted until the next step.
#[derive(Clone, Copy)]
enum Step {
    /// Each letter is one step, so many places wide.
    Letters(u8),
    /// Each character is.
    Characters(u8),
    /// The steps between letters grow by one, there or back, from one and so many more on.
    Growing { more: u8, back: bool },
}

/// What a text says, if a step makes language of it.
pub(super) fn undone(text: &str) -> Option<String> {
    let steps = (1..26).flat_map(|step| [Step::Letters(step), Step::Characters(step)]);
    let steps = steps.chain((0..3).flat_map(|more| [false, true].map(|back| Step::Growing { more, back })));
    let (mean, step, shift) = steps
        .filter_map(|step| {
            let sample = moved(text.chars().take(SAMPLE), step, 0);
            let pairs = LatinPairs::of(sample.as_bytes());
            let means = pairs.means_exchanged();
            let best = (0u8..26).zip(means).max_by_key(|(_, mean)| *mean).filter(|_| pairs.len() >= LEAST);
            best.map(|(shift, mean)| (mean, step, shift))
        })
        .max_by_key(|(mean, ..)| *mean)?;
    (mean >= LANGUAGE).then(|| moved(text.chars(), step, shift))
}

fn moved(text: impl Iterator<Item = char>, step: Step, shift: u8) -> String {
    let (mut letters, mut characters) = (0usize, 0usize);
    let move_on = |c: char| {
        let by = match step {
            Step::Letters(step) => letters * usize::from(step),
            Step::Characters(step) => characters * usize::from(step),
            Step::Growing { more, back } => {
                let sum = (letters * (letters + 1) / 2 + letters * usize::from(more)) % 26;
                if back { 26 - sum } else { sum }
            }
        };
        characters += 1;
        letters += usize::from(c.is_ascii_alphabetic());
        let by = (by % 26) as u8 + shift;
        u8::try_from(c).ok().filter(u8::is_ascii).map_or(c, |b| char::from(shifted(b, by % 26)))
    };
    text.map(move_on).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_that_grow_are_undone() {
        let text = "Please bring the blue folder to the second floor and wait there";
        for (step, shift) in [
            (Step::Letters(1), 0),
            (Step::Letters(23), 5),
            (Step::Characters(7), 1),
            (Step::Growing { more: 1, back: false }, 3),
            (Step::Growing { more: 0, back: true }, 0),
        ] {
            assert_eq!(undone(&moved(text.chars(), step, shift)).as_deref(), Some(text));
        }
        assert_eq!(undone("xqzjv kwpfh zzqkx vbnmw qpzlk jhgfd xcvbn mqwrt plkjh gfdsz"), None);
    }
}
