//! What a `tokenizer.json` says, checked: the steps, the cut, the model and what frames a text.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Cut, MAX_FILE, Model, Step, Tokenizer, TokenizerError};

const MAX_PIECES: usize = 1 << 20;
/// Bytes of the longest piece that is ever looked up.
const MAX_PIECE: usize = 256;
/// Characters of a word beyond which WordPiece calls it unknown, where the file does not say.
const WORD: usize = 100;

#[derive(Deserialize)]
struct File {
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    model: Value,
    #[serde(default)]
    added_tokens: Vec<Added>,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
}

/// The tokenizer that a file describes.
pub(super) fn read(bytes: &[u8]) -> Result<Tokenizer, TokenizerError> {
    if bytes.len() > MAX_FILE {
        return Err(TokenizerError::Size(bytes.len()));
    }
    let file: File = serde_json::from_slice(bytes).map_err(|e| TokenizerError::Json(e.to_string()))?;
    let mut steps = Vec::new();
    if let Some(normalizer) = &file.normalizer {
        read_steps(normalizer, &mut steps)?;
    }
    let cut = read_cut(file.pre_tokenizer.as_ref())?;
    let model = read_model(&file.model)?;
    let added = file.added_tokens.iter().map(|added| (added.content.as_str(), added.id)).collect();
    let (before, after) = read_frame(file.post_processor.as_ref(), &model, &added)?;
    Ok(Tokenizer { steps, cut, model, before, after })
}

fn kind(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or("without a type")
}

/// The parts of a `Sequence`, or the value itself. Sequences do not nest in any published file.
fn parts<'a>(value: &'a Value, list: &str) -> Vec<&'a Value> {
    match (kind(value), value.get(list).and_then(Value::as_array)) {
        ("Sequence", Some(parts)) => parts.iter().collect(),
        _ => vec![value],
    }
}

fn read_steps(value: &Value, steps: &mut Vec<Step>) -> Result<(), TokenizerError> {
    let flag = |value: &Value, name: &str| value.get(name).and_then(Value::as_bool);
    for part in parts(value, "normalizers") {
        match kind(part) {
            "NFC" => steps.push(Step::Nfc),
            "NFD" => steps.push(Step::Nfd),
            "NFKC" | "Precompiled" => steps.push(Step::Nfkc),
            "NFKD" => steps.push(Step::Nfkd),
            "Lowercase" => steps.push(Step::Lowercase),
            "StripAccents" => steps.push(Step::StripAccents),
            // Words are cut at white space before anything else.
            "Strip" => {}
            "BertNormalizer" => {
                let lower = flag(part, "lowercase").unwrap_or(true);
                if flag(part, "clean_text").unwrap_or(true) {
                    steps.push(Step::Clean);
                }
                if flag(part, "strip_accents").unwrap_or(lower) {
                    steps.extend([Step::Nfd, Step::StripAccents]);
                }
                if lower {
                    steps.push(Step::Lowercase);
                }
            }
            "Replace" => {
                let to = part.get("content").and_then(Value::as_str).unwrap_or_default();
                let pattern = part.get("pattern");
                if let Some(from) = pattern.and_then(|p| p.get("String")).and_then(Value::as_str) {
                    steps.push(Step::Replace(from.to_owned(), to.to_owned()));
                } else if pattern.and_then(|p| p.get("Regex")).and_then(Value::as_str) != Some(" {2,}") {
                    return Err(unsupported("normalizer", "Replace with a pattern", NORMALIZERS));
                }
            }
            other => return Err(unsupported("normalizer", other, NORMALIZERS)),
        }
    }
    Ok(())
}

const NORMALIZERS: &str = "NFC, NFD, NFKC, NFKD, Precompiled, Lowercase, StripAccents, Strip, BertNormalizer, \
                           Replace with a string, and sequences of them";
const CUTS: &str = "BertPreTokenizer, WhitespaceSplit and Metaspace";

fn unsupported(place: &'static str, name: &str, known: &'static str) -> TokenizerError {
    TokenizerError::Unsupported { place, name: name.chars().take(60).collect(), known }
}

fn read_cut(value: Option<&Value>) -> Result<Cut, TokenizerError> {
    let Some(value) = value else { return Ok(Cut::Space) };
    let mut cut = Cut::Space;
    for part in parts(value, "pretokenizers") {
        match kind(part) {
            "BertPreTokenizer" => cut = Cut::Bert,
            "WhitespaceSplit" => {}
            "Metaspace" => {
                let mark = part.get("replacement").and_then(Value::as_str).unwrap_or("▁");
                cut = Cut::Marked(mark.chars().next().unwrap_or('▁'));
            }
            other => return Err(unsupported("pre_tokenizer", other, CUTS)),
        }
    }
    Ok(cut)
}

fn read_model(value: &Value) -> Result<Model, TokenizerError> {
    let inconsistent = |what: &str| TokenizerError::Inconsistent(what.to_owned());
    match kind(value) {
        "WordPiece" => {
            let vocab = value.get("vocab").and_then(Value::as_object);
            let vocab = vocab.ok_or_else(|| inconsistent("a WordPiece model without `vocab`"))?;
            let mut ids = HashMap::with_capacity(vocab.len().min(MAX_PIECES));
            for (piece, id) in vocab {
                let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
                let id = id.ok_or_else(|| inconsistent("an id in `vocab` is no number"))?;
                if piece.len() <= MAX_PIECE && ids.len() < MAX_PIECES {
                    ids.insert(piece.clone(), id);
                }
            }
            let unknown = value.get("unk_token").and_then(Value::as_str).unwrap_or("[UNK]");
            let unknown = *ids.get(unknown).ok_or_else(|| {
                TokenizerError::Inconsistent(format!("`vocab` lacks the unknown token {unknown}"))
            })?;
            let prefix = value.get("continuing_subword_prefix").and_then(Value::as_str).unwrap_or("##");
            let word = value.get("max_input_chars_per_word").and_then(Value::as_u64);
            let word = word.and_then(|word| usize::try_from(word).ok()).unwrap_or(WORD).min(1000);
            let longest = ids.keys().map(String::len).max().unwrap_or(0);
            Ok(Model::WordPiece { ids, unknown, prefix: prefix.to_owned(), longest, word })
        }
        "Unigram" => {
            let vocab = value.get("vocab").and_then(Value::as_array);
            let vocab = vocab.ok_or_else(|| inconsistent("a Unigram model without `vocab`"))?;
            if vocab.len() > MAX_PIECES {
                return Err(TokenizerError::Inconsistent(format!("{} pieces are too many", vocab.len())));
            }
            let mut pieces = HashMap::with_capacity(vocab.len());
            let mut least = 0.0_f64;
            for (id, entry) in (0_u32..).zip(vocab) {
                let piece = entry.get(0).and_then(Value::as_str);
                let score = entry.get(1).and_then(Value::as_f64).filter(|score| score.is_finite());
                let (Some(piece), Some(score)) = (piece, score) else {
                    return Err(TokenizerError::Inconsistent(format!(
                        "entry {id} of `vocab` is no piece with a score"
                    )));
                };
                least = least.min(score);
                if piece.len() <= MAX_PIECE && !piece.is_empty() {
                    pieces.insert(piece.to_owned(), (id, score));
                }
            }
            let unknown = value.get("unk_id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
            let unknown = unknown
                .filter(|id| (*id as usize) < vocab.len())
                .ok_or_else(|| inconsistent("`unk_id` names no piece"))?;
            if value.get("byte_fallback").and_then(Value::as_bool) == Some(true) {
                return Err(unsupported("model", "Unigram with byte_fallback", MODELS));
            }
            let longest = pieces.keys().map(String::len).max().unwrap_or(0);
            // SentencePiece's penalty below the least likely piece.
            Ok(Model::Unigram { pieces, unknown, unknown_score: least - 10.0, longest })
        }
        other => Err(unsupported("model", other, MODELS)),
    }
}

const MODELS: &str = "WordPiece, and Unigram without byte fallback";

impl Model {
    fn id(&self, piece: &str) -> Option<u32> {
        match self {
            Self::WordPiece { ids, .. } => ids.get(piece).copied(),
            Self::Unigram { pieces, .. } => pieces.get(piece).map(|(id, _)| *id),
        }
    }
}

/// What a single text is framed by.
fn read_frame(
    value: Option<&Value>,
    model: &Model,
    added: &HashMap<&str, u32>,
) -> Result<(Vec<u32>, Vec<u32>), TokenizerError> {
    const FRAMES: &str = "TemplateProcessing, BertProcessing and RobertaProcessing";
    let Some(value) = value else { return Ok((Vec::new(), Vec::new())) };
    let id = |token: &str| {
        added.get(token).copied().or_else(|| model.id(token)).ok_or_else(|| {
            TokenizerError::Inconsistent(format!("the post_processor adds {token}, which has no id"))
        })
    };
    match kind(value) {
        "BertProcessing" | "RobertaProcessing" => {
            let pair = |name: &str| {
                let id = value.get(name).and_then(|pair| pair.get(1)).and_then(Value::as_u64);
                id.and_then(|id| u32::try_from(id).ok()).ok_or_else(|| {
                    TokenizerError::Inconsistent(format!("the post_processor has no `{name}` with an id"))
                })
            };
            Ok((vec![pair("cls")?], vec![pair("sep")?]))
        }
        "TemplateProcessing" => {
            let single = value.get("single").and_then(Value::as_array).ok_or_else(|| {
                TokenizerError::Inconsistent("the post_processor has no template for one text".into())
            })?;
            let (mut before, mut after, mut seen) = (Vec::new(), Vec::new(), false);
            for part in single.iter().take(16) {
                if part.get("Sequence").is_some() {
                    seen = true;
                } else if let Some(token) =
                    part.get("SpecialToken").and_then(|token| token.get("id")).and_then(Value::as_str)
                {
                    if seen { &mut after } else { &mut before }.push(id(token)?);
                }
            }
            Ok((before, after))
        }
        other => Err(unsupported("post_processor", other, FRAMES)),
    }
}
