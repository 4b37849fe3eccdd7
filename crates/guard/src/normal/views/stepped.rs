//! Caesar's cipher with a shift that grows: by the same number of places from each letter to the next (the table of
//! Trithemius), or by one more each time.
//!
//! Once each letter is moved back by what its place adds, what is left is Caesar's cipher.

use std::sync::LazyLock;

use super::ciphers::shifted;
use super::pairs::{LatinPairs, level};

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
    let (mean, step, shift) = likely(text)
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

/// The steps that bring letters beside each other as far apart as those of language are. How far letters are apart does
/// not change with the shift that a cipher begins with, and one count of it serves all steps of a kind.
fn likely(text: &str) -> impl Iterator<Item = Step> {
    /// Of a kind of steps, how many are tried.
    const LIKELY: usize = 6;
    let mut apart = [[0u32; 26]; 3];
    let (mut letters, mut before) = (0usize, None);
    for c in text.chars().take(SAMPLE) {
        let place = c.is_ascii_alphabetic().then(|| c.to_ascii_lowercase() as usize - 'a' as usize);
        if let (Some(before), Some(place)) = (before, place) {
            let grown = letters % 26;
            for (count, far) in apart.iter_mut().zip([place, place + grown, place + 26 - grown]) {
                if let Some(count) = count.get_mut((far + 26 - before) % 26) {
                    *count += 1;
                }
            }
        }
        letters += usize::from(place.is_some());
        before = place;
    }
    let best = |count: &[u32; 26], steps: std::ops::Range<usize>| {
        let fit = |step: usize| {
            let counted = count.iter().enumerate();
            counted.map(|(far, n)| n * FAR.get((far + step) % 26).copied().unwrap_or(0)).sum::<u32>()
        };
        let mut steps: Vec<usize> = steps.collect();
        steps.sort_by_key(|step| std::cmp::Reverse(fit(*step)));
        steps.truncate(LIKELY);
        steps.into_iter().filter_map(|step| u8::try_from(step).ok())
    };
    let [level, on, back] = &apart;
    let level: Vec<u8> = best(level, 1..26).collect();
    let letters: Vec<Step> = level.iter().map(|step| Step::Letters(*step)).collect();
    let characters = level.into_iter().map(Step::Characters);
    let on = best(on, 0..26).map(|more| Step::Growing { more, back: false });
    let back = best(back, 0..26).map(|step| Step::Growing { more: (26 - step) % 26, back: true });
    letters.into_iter().chain(characters).chain(on).chain(back)
}

/// How often two neighbours in words are so many places apart in the alphabet, in hundredths of powers of two.
static FAR: LazyLock<[u32; 26]> = LazyLock::new(|| {
    std::array::from_fn(|far| {
        let pairs = (0..26u8).map(|a| level(b'a' + a, b'a' + (a + far as u8) % 26));
        let often: u32 = pairs.map(|level| 1 << level).sum();
        (f64::from(often).log2() * 100.0) as u32
    })
});

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
