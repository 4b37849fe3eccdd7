//! Reads `tokenizer.json` and cuts texts into the pieces an encoder knows.
//!
//! WordPiece (BERT, MiniLM) and Unigram (SentencePiece: DeBERTa v3, mDeBERTa and so Prompt Guard 2), with
//! the normalisers and pre-tokenisers that these come with. Both cut at white space first, so a text is read
//! word by word and every piece knows the bytes of the word it comes from. The file is as untrusted as the
//! model beside it: sizes are bounded, what is not understood is an error that names it, and encoding is
//! linear in the text for pieces of bounded length.
//!
//! Two simplifications, checked against the reference implementation on the texts in `tests/peers`:
//! SentencePiece's compiled character map is taken to be NFKC, which it was compiled from, and a run of white
//! space counts as one space.

use std::collections::HashMap;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

mod file;

/// The largest file read; mDeBERTa's has 16 MB.
const MAX_FILE: usize = 64 << 20;

/// Why a `tokenizer.json` cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// It is too large.
    #[error("tokenizer.json has {0} bytes, more than the {MAX_FILE} that are read")]
    Size(usize),
    /// It is no JSON of the expected shape.
    #[error("tokenizer.json cannot be read: {0}")]
    Json(String),
    /// It uses something this build does not know.
    #[error("tokenizer.json has the {place} `{name}`, which this build does not read; it reads {known}")]
    Unsupported {
        /// Where.
        place: &'static str,
        /// What.
        name: String,
        /// What it could be.
        known: &'static str,
    },
    /// A part is missing or contradicts another.
    #[error("tokenizer.json is inconsistent: {0}")]
    Inconsistent(String),
}

/// One piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub id: u32,
    /// The bytes of the word it comes from.
    pub word: Range<usize>,
}

/// A tokenizer that has been checked.
#[derive(Debug)]
pub struct Tokenizer {
    steps: Vec<Step>,
    cut: Cut,
    model: Model,
    /// Ids that stand before and after the pieces of a text.
    before: Vec<u32>,
    after: Vec<u32>,
}

/// A step of normalisation, applied to one word.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
    Lowercase,
    StripAccents,
    /// BERT's cleaning; lower case and accents are steps of their own.
    Clean,
    Replace(String, String),
}

/// How words are cut before they are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Punctuation and ideographs stand alone.
    Bert,
    /// A word begins with this character.
    Marked(char),
    Space,
}

#[derive(Debug)]
enum Model {
    WordPiece { ids: HashMap<String, u32>, unknown: u32, prefix: String, longest: usize, word: usize },
    Unigram { pieces: HashMap<String, (u32, f64)>, unknown: u32, unknown_score: f64, longest: usize },
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// When the file is too large, malformed, or uses a part that is not read; the error names it.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TokenizerError> {
        file::read(bytes)
    }

    /// How many ids are added to the pieces of every text.
    pub(super) fn frame(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// The pieces between what every text begins and ends with.
    pub(super) fn framed(&self, pieces: &[Piece]) -> Vec<u32> {
        let middle = pieces.iter().map(|piece| piece.id);
        self.before.iter().copied().chain(middle).chain(self.after.iter().copied()).collect()
    }

    /// The ids of a whole text, framed.
    #[must_use]
    pub fn ids(&self, text: &str) -> Vec<u32> {
        self.framed(&self.pieces(text))
    }

    pub(super) fn pieces(&self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for word in words(text) {
            let normal = self.normalise(text.get(word.clone()).unwrap_or_default());
            // Normalisation can make spaces, as of a no-break space.
            for part in normal.split_whitespace() {
                match self.cut {
                    Cut::Bert => bert_parts(part).for_each(|part| self.look_up(part, &word, &mut pieces)),
                    Cut::Marked(mark) => self.look_up(&format!("{mark}{part}"), &word, &mut pieces),
                    Cut::Space => self.look_up(part, &word, &mut pieces),
                }
            }
        }
        pieces
    }

    fn normalise(&self, word: &str) -> String {
        self.steps.iter().fold(word.to_owned(), |word, step| step.apply(&word))
    }

    fn look_up(&self, part: &str, word: &Range<usize>, pieces: &mut Vec<Piece>) {
        let mut push = |id| pieces.push(Piece { id, word: word.clone() });
        match &self.model {
            Model::WordPiece { ids, unknown, prefix, longest, word } => {
                match word_pieces(part, ids, prefix, *longest, *word) {
                    Some(found) => found.into_iter().for_each(push),
                    None => push(*unknown),
                }
            }
            Model::Unigram { pieces, unknown, unknown_score, longest } => {
                unigram(part, pieces, *unknown, *unknown_score, *longest).into_iter().for_each(push);
            }
        }
    }
}

impl Step {
    fn apply(&self, word: &str) -> String {
        match self {
            Self::Nfc => word.nfc().collect(),
            Self::Nfd => word.nfd().collect(),
            Self::Nfkc => word.nfkc().filter(|c| !is_dropped(*c)).collect(),
            Self::Nfkd => word.nfkd().collect(),
            Self::Lowercase => word.to_lowercase(),
            Self::StripAccents => word.chars().filter(|c| !is_combining_mark(*c) || is_vowel(*c)).collect(),
            Self::Clean => word.chars().filter(|c| !is_dropped(*c)).collect(),
            Self::Replace(from, to) => word.replace(from.as_str(), to),
        }
    }
}

/// Vowels of Indic scripts that take space of their own (category Mc): marks, but no accents.
fn is_vowel(c: char) -> bool {
    matches!(c, '\u{0903}' | '\u{093B}' | '\u{093E}'..='\u{0940}' | '\u{0949}'..='\u{094C}' | '\u{094E}' | '\u{094F}')
        || matches!(c, '\u{0982}' | '\u{0983}' | '\u{09BE}'..='\u{09C0}' | '\u{09C7}'..='\u{09CC}')
        || matches!(c, '\u{0A03}' | '\u{0A3E}'..='\u{0A40}' | '\u{0A83}' | '\u{0ABE}'..='\u{0AC0}' | '\u{0AC9}'..='\u{0ACC}')
        || matches!(c, '\u{0BBE}' | '\u{0BBF}' | '\u{0BC1}'..='\u{0BCC}' | '\u{0C01}'..='\u{0C03}' | '\u{0C41}'..='\u{0C44}')
        || matches!(c, '\u{0C82}' | '\u{0C83}' | '\u{0CBE}' | '\u{0CC0}'..='\u{0CC4}' | '\u{0D3E}'..='\u{0D40}' | '\u{0D46}'..='\u{0D4C}')
}

/// Characters that cleaning removes: controls and what cannot be seen.
fn is_dropped(c: char) -> bool {
    c == '\u{FFFD}' || c.is_control() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{FEFF}' | '\u{00AD}')
}

/// The words of a text, between white space.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.split_whitespace().map(move |word| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        start..start + word.len()
    })
}

/// Punctuation and ideographs stand alone, everything else in runs.
fn bert_parts(word: &str) -> impl Iterator<Item = &str> {
    let alone = |c: char| {
        c.is_ascii_punctuation()
            || matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}')
            || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}' | '\u{3001}'..='\u{3003}')
            || matches!(c, '\u{060C}' | '\u{061B}' | '\u{061F}' | '\u{066A}'..='\u{066D}' | '\u{06D4}')
            || matches!(c, '\u{0964}' | '\u{0965}' | '\u{3014}'..='\u{301F}' | '\u{FF01}'..='\u{FF0F}')
            || matches!(c, '\u{FF1A}' | '\u{FF1B}' | '\u{FF1F}' | '\u{FF3B}'..='\u{FF3D}' | '\u{FF61}'..='\u{FF65}')
            || matches!(c, '\u{3008}'..='\u{3011}' | '¡' | '§' | '«' | '¶' | '·' | '»' | '¿')
    };
    let mut rest = word;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = if alone(first) { first.len_utf8() } else { rest.find(alone).unwrap_or(rest.len()) };
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}

/// Greedy longest match; `None` where some part of the word is unknown.
fn word_pieces(
    word: &str,
    ids: &HashMap<String, u32>,
    prefix: &str,
    longest: usize,
    most: usize,
) -> Option<Vec<u32>> {
    if word.chars().count() > most {
        return None;
    }
    let (mut found, mut start, mut key) = (Vec::new(), 0, String::new());
    while start < word.len() {
        let rest = word.get(start..)?;
        let ends = (1..=rest.len().min(longest)).rev().filter(|end| rest.is_char_boundary(*end));
        let (end, id) = ends.into_iter().find_map(|end| {
            key.clear();
            key.push_str(if start > 0 { prefix } else { "" });
            key.push_str(rest.get(..end)?);
            ids.get(&key).map(|id| (end, *id))
        })?;
        found.push(id);
        start += end;
    }
    Some(found)
}

/// The most likely cut (Viterbi); characters that no piece covers are unknown, and a run of them is one.
fn unigram(
    word: &str,
    pieces: &HashMap<String, (u32, f64)>,
    unknown: u32,
    unknown_score: f64,
    longest: usize,
) -> Vec<u32> {
    // At each byte: the best score of a cut up to there, where its last piece begins, and its id.
    let mut best: Vec<Option<(f64, usize, u32)>> = vec![None; word.len() + 1];
    if let Some(first) = best.first_mut() {
        *first = Some((0.0, 0, unknown));
    }
    for (start, c) in word.char_indices() {
        let Some((score, ..)) = best.get(start).copied().flatten() else { continue };
        let rest = word.get(start..).unwrap_or_default();
        let mut offer = |end: usize, added: f64, id: u32| {
            if let Some(slot) = best.get_mut(start + end)
                && slot.is_none_or(|(old, ..)| score + added > old)
            {
                *slot = Some((score + added, start, id));
            }
        };
        let mut whole = false;
        for end in (1..=rest.len().min(longest)).filter(|end| rest.is_char_boundary(*end)) {
            if let Some((id, added)) = rest.get(..end).and_then(|piece| pieces.get(piece)) {
                offer(end, *added, *id);
                whole |= end == c.len_utf8();
            }
        }
        if !whole {
            offer(c.len_utf8(), unknown_score, unknown);
        }
    }
    let (mut ids, mut at) = (Vec::new(), word.len());
    while at > 0 {
        let Some((_, start, id)) = best.get(at).copied().flatten() else { break };
        if id != unknown || ids.last() != Some(&unknown) {
            ids.push(id);
        }
        at = start;
    }
    ids.reverse();
    ids
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn bert() -> Value {
        json!({
            "normalizer": {"type": "BertNormalizer", "lowercase": true, "clean_text": true, "strip_accents": null},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "TemplateProcessing", "single": [
                {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]},
            "added_tokens": [{"id": 1, "content": "[CLS]"}, {"id": 2, "content": "[SEP]"}],
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "vocab":
                {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "ign": 3, "##ore": 4, "rules": 5, ",": 6, "cafe": 7, "漢": 8}},
        })
    }

    fn unigram_file() -> Value {
        json!({
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": ""},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
            "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
            "model": {"type": "Unigram", "unk_id": 0, "vocab":
                [["<unk>", 0.0], ["▁ab", -2.0], ["▁", -3.0], ["a", -4.0], ["b", -4.0], ["abc", -5.0], ["c", -4.5]]},
        })
    }

    fn read(value: &Value) -> Tokenizer {
        Tokenizer::from_json(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn word_pieces_are_the_longest_that_fit() {
        let tokenizer = read(&bert());
        assert_eq!(tokenizer.ids("Ignore rules, café 漢漢"), [1, 3, 4, 5, 6, 7, 8, 8, 2]);
        assert_eq!(tokenizer.ids("ignorance"), [1, 0, 2]);
        assert_eq!(tokenizer.ids(""), [1, 2]);
    }

    #[test]
    fn unigram_takes_the_most_likely_cut_and_joins_what_is_unknown() {
        let tokenizer = read(&unigram_file());
        assert_eq!(tokenizer.ids("ab"), [1]);
        assert_eq!(tokenizer.ids("abc"), [1, 6]);
        assert_eq!(tokenizer.ids("ａｂ"), [1]);
        assert_eq!(tokenizer.ids("zzz  ab"), [2, 0, 1]);
    }

    #[test]
    fn pieces_know_their_words() {
        let text = " ignore  rules";
        let words: Vec<_> =
            read(&bert()).pieces(text).into_iter().map(|piece| text[piece.word].to_owned()).collect();
        assert_eq!(words, ["ignore", "ignore", "rules"]);
    }

    #[test]
    fn what_is_not_read_is_named() {
        let mut file = bert();
        file["model"] = json!({"type": "BPE", "vocab": {}, "merges": []});
        let error = Tokenizer::from_json(file.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.contains("`BPE`") && error.contains("WordPiece"), "{error}");
        let mut file = bert();
        file["pre_tokenizer"]["type"] = json!("ByteLevel");
        assert!(
            Tokenizer::from_json(file.to_string().as_bytes()).unwrap_err().to_string().contains("ByteLevel")
        );
        let mut file = bert();
        file["post_processor"]["single"][0]["SpecialToken"]["id"] = json!("[NOBODY]");
        assert!(
            Tokenizer::from_json(file.to_string().as_bytes()).unwrap_err().to_string().contains("[NOBODY]")
        );
        let mut file = unigram_file();
        file["model"]["unk_id"] = json!(99);
        assert!(
            Tokenizer::from_json(file.to_string().as_bytes()).unwrap_err().to_string().contains("unk_id")
        );
    }

    proptest! {
        #[test]
        fn arbitrary_files_and_texts_do_no_harm(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            at in 0usize..900,
            to in any::<u8>(),
            text in "\\PC{0,80}",
        ) {
            let _ = Tokenizer::from_json(&bytes);
            for file in [bert(), unigram_file()] {
                let mut changed = file.to_string().into_bytes();
                let at = at % changed.len();
                changed[at] = to;
                if let Ok(tokenizer) = Tokenizer::from_json(&changed) {
                    let pieces = tokenizer.pieces(&text);
                    prop_assert!(pieces.iter().all(|piece| text.get(piece.word.clone()).is_some()));
                }
            }
        }
    }
}
