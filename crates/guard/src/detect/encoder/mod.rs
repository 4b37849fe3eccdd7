//! The second stage: any encoder with a classification head, behind the same trait as the first.
//!
//! What runs the model is given from outside as [`Encoder`], because an engine of this house does not know
//! another one; what is here is everything around it: the model's own `tokenizer.json`, windows that overlap
//! so that nothing is cut off silently, which labels of its `config.json` mean an attack, and thresholds on
//! its calibrated logit. It costs milliseconds, so it is asked about [`Verdict::Grey`] texts only.

use std::collections::BTreeMap;
use std::ops::Range;

use proofhouse_dialogue::Carrier;
use serde::{Deserialize, Serialize};

use super::{Detector, DetectorError, Score, Verdict};

mod tokenizer;

pub use tokenizer::{Tokenizer, TokenizerError};

/// Runs a model on one text.
pub trait Encoder: Send + Sync {
    /// What an audit record calls the model, such as its digest.
    fn identity(&self) -> String;

    /// The logits of the model's labels for one sequence of token ids. The attention mask is all ones and
    /// the token types all zero.
    ///
    /// # Errors
    ///
    /// What went wrong, in the words of whatever runs the model.
    fn logits(&self, ids: &[u32]) -> Result<Vec<f32>, String>;
}

/// From the logit of the attack labels to a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EncoderCalibration {
    /// Logits are divided by this before anything else (Guo et al., ICML 2017). One leaves them.
    pub temperature: f32,
    /// Probabilities from here on are grey.
    pub grey: f32,
    /// Probabilities from here on are attacks.
    pub attack: f32,
}

impl Default for EncoderCalibration {
    fn default() -> Self {
        Self { temperature: 1.0, grey: 0.2, attack: 0.5 }
    }
}

/// Why an encoder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// Its tokenizer cannot be read.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Its configuration cannot be read.
    #[error("config.json cannot be read: {0}")]
    Config(String),
    /// Nobody knows which label is an attack.
    #[error("none of the labels in config.json ({0}) says that it is an attack; name the attack's labels")]
    Labels(String),
    /// The calibration makes no sense.
    #[error(
        "temperature {0} and thresholds grey {1}, attack {2} are not in order: the temperature is positive, and 0 < grey <= attack < 1"
    )]
    Calibration(f32, f32, f32),
}

/// Tokens that two neighbouring windows share.
const OVERLAP: usize = 64;
/// Tokens of a window, where the model allows as many.
const WINDOW: usize = 512;
/// Windows of the longest text that is read: some 100 000 words.
const MAX_WINDOWS: usize = 256;

/// An encoder with what it needs to read texts.
pub struct EncoderDetector {
    encoder: Box<dyn Encoder>,
    tokenizer: Tokenizer,
    /// For each label, whether it means an attack.
    attacks: Vec<bool>,
    /// Pieces of the text in a window.
    window: usize,
    calibration: EncoderCalibration,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    id2label: BTreeMap<String, String>,
    max_position_embeddings: Option<usize>,
}

impl EncoderDetector {
    /// Puts a detector together from a model and the two files beside it. Which labels are attacks is read
    /// off their names, or stated in `attack_labels`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, no label is known to be an attack, or the calibration is out of order.
    pub fn new(
        encoder: Box<dyn Encoder>,
        tokenizer: &[u8],
        config: &[u8],
        attack_labels: &[&str],
        calibration: EncoderCalibration,
    ) -> Result<Self, EncoderError> {
        let tokenizer = Tokenizer::from_json(tokenizer)?;
        let config: Config =
            serde_json::from_slice(config).map_err(|error| EncoderError::Config(error.to_string()))?;
        let attacks = attack_labels_of(&config, attack_labels)?;
        let EncoderCalibration { temperature, grey, attack } = calibration;
        if !(temperature.is_finite() && temperature > 0.0 && 0.0 < grey && grey <= attack && attack < 1.0) {
            return Err(EncoderError::Calibration(temperature, grey, attack));
        }
        let positions = config.max_position_embeddings.unwrap_or(WINDOW).min(WINDOW);
        let window = positions.saturating_sub(tokenizer.frame());
        if window <= 2 * OVERLAP {
            return Err(EncoderError::Config(format!("{positions} positions are too few to read text with")));
        }
        Ok(Self { encoder, tokenizer, attacks, window, calibration })
    }

    /// The probability that the labels of an attack have together.
    fn probability(
        &self,
        ids: &[u32],
        failed: &impl Fn(String) -> DetectorError,
    ) -> Result<f32, DetectorError> {
        let logits = self.encoder.logits(ids).map_err(failed)?;
        if logits.len() != self.attacks.len() || logits.iter().any(|logit| !logit.is_finite()) {
            let labels = self.attacks.len();
            return Err(failed(format!("it answers {logits:?} where {labels} finite logits belong")));
        }
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights = logits.iter().map(|logit| ((logit - most) / self.calibration.temperature).exp());
        let (all, attack) = weights.zip(&self.attacks).fold((0.0, 0.0), |(all, attack), (weight, is)| {
            (all + weight, if *is { attack + weight } else { attack })
        });
        Ok(attack / all)
    }
}

impl Detector for EncoderDetector {
    fn identity(&self) -> String {
        format!("encoder:{}", self.encoder.identity())
    }

    fn score(&self, text: &str, _carrier: Carrier) -> Result<Score, DetectorError> {
        let failed =
            |reason| DetectorError::Encoder { encoder: self.encoder.identity(), bytes: text.len(), reason };
        let pieces = self.tokenizer.pieces(text);
        let step = self.window - OVERLAP;
        let windows = pieces.len().saturating_sub(OVERLAP).div_ceil(step).max(1);
        if windows > MAX_WINDOWS {
            return Err(failed(format!(
                "it has {} tokens, more than {MAX_WINDOWS} windows hold",
                pieces.len()
            )));
        }
        let (mut highest, mut spans) = (0.0_f32, Vec::<Range<usize>>::new());
        for at in 0..windows {
            let start = at * step;
            let part = pieces.get(start..(start + self.window).min(pieces.len())).unwrap_or_default();
            let probability = self.probability(&self.tokenizer.framed(part), &failed)?;
            highest = highest.max(probability);
            if probability >= self.calibration.grey
                && let (Some(first), Some(last)) = (part.first(), part.last())
            {
                match spans.last_mut() {
                    Some(span) if first.word.start <= span.end => span.end = last.word.end,
                    _ => spans.push(first.word.start..last.word.end),
                }
            }
        }
        let EncoderCalibration { grey, attack, .. } = self.calibration;
        let verdict = if highest >= attack {
            Verdict::Attack
        } else if highest >= grey {
            Verdict::Grey
        } else {
            Verdict::Benign
        };
        let logit = |p: f32| (p.clamp(1e-6, 1.0 - 1e-6) / (1.0 - p.clamp(1e-6, 1.0 - 1e-6))).ln();
        // An encoder cannot say which words it went by.
        Ok(Score {
            verdict,
            probability: highest,
            margin: logit(highest) - logit(attack),
            spans,
            reasons: Vec::new(),
        })
    }
}

/// For each label of the model, whether it is an attack.
fn attack_labels_of(config: &Config, stated: &[&str]) -> Result<Vec<bool>, EncoderError> {
    let mut labels: Vec<(usize, &str)> = Vec::new();
    for (id, label) in &config.id2label {
        let id = id.parse().map_err(|_| EncoderError::Config(format!("`{id}` in id2label is no number")))?;
        labels.push((id, label));
    }
    // A model without names has two labels, and the second is what it was trained to find.
    if labels.is_empty() {
        labels = vec![(0, "LABEL_0"), (1, "LABEL_1")];
    }
    labels.sort_unstable();
    if labels.iter().enumerate().any(|(at, (id, _))| at != *id) {
        return Err(EncoderError::Config("id2label does not number its labels from 0".into()));
    }
    const NAMES: [&str; 6] = ["inject", "jailbreak", "malicious", "attack", "unsafe", "harmful"];
    let unnamed = labels.len() == 2 && labels.iter().all(|(_, label)| label.starts_with("LABEL_"));
    let is_attack = |id: usize, label: &str| {
        if !stated.is_empty() {
            stated.contains(&label)
        } else if unnamed {
            id == 1
        } else {
            let label = label.to_lowercase();
            NAMES.iter().any(|name| label.contains(name)) && !label.contains("non") && !label.contains("not")
        }
    };
    let attacks: Vec<bool> = labels.iter().map(|(id, label)| is_attack(*id, label)).collect();
    if attacks.iter().any(|is| *is) && !attacks.iter().all(|is| *is) {
        Ok(attacks)
    } else {
        let names: Vec<&str> = labels.iter().map(|(_, label)| *label).collect();
        Err(EncoderError::Labels(names.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds the id of one word.
    struct Finds(u32);

    impl Encoder for Finds {
        fn identity(&self) -> String {
            "finds".into()
        }
        fn logits(&self, ids: &[u32]) -> Result<Vec<f32>, String> {
            if ids.len() > 512 {
                return Err(format!("{} tokens", ids.len()));
            }
            Ok(if ids.contains(&self.0) { vec![-3.0, 3.0] } else { vec![3.0, -3.0] })
        }
    }

    const TOKENIZER: &str = r#"{"pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "obey": 1}}}"#;

    fn detector(config: &str, labels: &[&str]) -> Result<EncoderDetector, EncoderError> {
        let calibration = EncoderCalibration::default();
        EncoderDetector::new(Box::new(Finds(1)), TOKENIZER.as_bytes(), config.as_bytes(), labels, calibration)
    }

    #[test]
    fn nothing_is_cut_off_a_long_text() {
        let detector = detector("{}", &[]).unwrap();
        for at in [0, 500, 511, 512, 900, 2999] {
            let mut words = vec!["word"; 3000];
            words[at] = "obey";
            let text = words.join(" ");
            let score = detector.score(&text, Carrier::Chat).unwrap();
            assert_eq!(score.verdict, Verdict::Attack, "{at}");
            assert!(score.spans.iter().any(|span| text[span.clone()].contains("obey")), "{at}");
        }
        let score = detector.score(&"word ".repeat(3000), Carrier::Chat).unwrap();
        assert_eq!((score.verdict, score.spans.len()), (Verdict::Benign, 0));
    }

    #[test]
    fn what_is_too_long_is_no_benign_text() {
        let detector = detector("{}", &[]).unwrap();
        let error = detector.score(&"word ".repeat(300_000), Carrier::Chat).unwrap_err();
        assert!(error.to_string().contains("300000 tokens"), "{error}");
    }

    #[test]
    fn labels_are_read_off_their_names() {
        let known = |config: &str, labels: &[&str]| detector(config, labels).map(|d| d.attacks);
        let two = |a: &str, b: &str| format!(r#"{{"id2label": {{"0": "{a}", "1": "{b}"}}}}"#);
        assert_eq!(known(&two("SAFE", "INJECTION"), &[]).unwrap(), [false, true]);
        assert_eq!(known(&two("MALICIOUS", "BENIGN"), &[]).unwrap(), [true, false]);
        assert_eq!(known(&two("LABEL_0", "LABEL_1"), &[]).unwrap(), [false, true]);
        assert_eq!(known(&two("ham", "spam"), &["spam"]).unwrap(), [false, true]);
        assert!(matches!(known(&two("ham", "spam"), &[]), Err(EncoderError::Labels(_))));
        assert!(matches!(
            known(r#"{"id2label": {"1": "SAFE", "2": "INJECTION"}}"#, &[]),
            Err(EncoderError::Config(_))
        ));
    }

    #[test]
    fn a_model_that_fails_or_answers_nonsense_is_an_error() {
        struct Broken(Vec<f32>);
        impl Encoder for Broken {
            fn identity(&self) -> String {
                "broken".into()
            }
            fn logits(&self, _: &[u32]) -> Result<Vec<f32>, String> {
                if self.0.is_empty() { Err("no".into()) } else { Ok(self.0.clone()) }
            }
        }
        for logits in [vec![], vec![1.0], vec![f32::NAN, 1.0]] {
            let encoder = Box::new(Broken(logits));
            let calibration = EncoderCalibration::default();
            let detector =
                EncoderDetector::new(encoder, TOKENIZER.as_bytes(), b"{}", &[], calibration).unwrap();
            assert!(detector.score("text", Carrier::Chat).is_err());
        }
    }
}
