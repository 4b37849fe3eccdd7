//! The second stage: any encoder with a classification head, behind the same trait as the first.
//!
//! What runs the model is given from outside as [`Encoder`], because an engine of this house does not know
//! another one; what is here is everything around it: the model's own `tokenizer.json`, windows that overlap
//! so that nothing is cut off silently, which labels of its `config.json` mean an attack, and thresholds on
//! its calibrated logit. It costs milliseconds, so it is asked about few texts: [`Detector::asked_from`].

use std::collections::BTreeMap;
use std::ops::Range;

use proofhouse_dialogue::Carrier;
use serde::{Deserialize, Serialize};

use super::{Detector, DetectorError, Score, Verdict};

mod joint;
mod labels;
mod shipped;
mod tokenizer;

use joint::Thresholds;
pub use joint::{Joint, Sum};
use labels::attack_labels_of;
pub use shipped::shipped;
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

/// The files beside a model.
#[derive(Debug, Clone, Copy)]
pub struct EncoderFiles<'a> {
    /// `tokenizer.json`, as the package `tokenizers` writes it.
    pub tokenizer: &'a [u8],
    /// `config.json`, as the package `transformers` writes it: labels and positions.
    pub config: &'a [u8],
    /// `calibration.json`, an [`EncoderCalibration`]; a model without it has the usual thresholds.
    pub calibration: Option<&'a [u8]>,
}

/// From the logit of the attack labels to a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EncoderCalibration {
    /// Logits are divided by this before anything else (Guo et al., ICML 2017). One leaves them.
    pub temperature: f32,
    /// Probabilities from here on are grey.
    pub grey: f32,
    /// Probabilities from here on are attacks.
    pub attack: f32,
    /// How it judges together with the first stage; nothing for a model that knows nothing of it.
    pub joint: Option<Joint>,
}

impl Default for EncoderCalibration {
    fn default() -> Self {
        Self { temperature: 1.0, grey: 0.2, attack: 0.5, joint: None }
    }
}

impl EncoderCalibration {
    /// The margin of a first stage, which calls a text grey from `grey` on, from which on the encoder is asked.
    #[must_use]
    pub fn asked_from(&self, carrier: Carrier, grey: f32) -> f32 {
        self.joint.as_ref().map_or(grey, |joint| joint.asked_from(carrier))
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
    /// Its calibration cannot be read.
    #[error("calibration.json cannot be read: {0}")]
    CalibrationFile(String),
    /// How it judges together with the first stage makes no sense.
    #[error(
        "calibration.json: the weights of a joint verdict are positive, and its thresholds are finite, grey <= attack"
    )]
    Joint,
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
/// Windows that are read for a joint verdict: a window costs milliseconds, and the first stage has read the rest.
const JOINT_WINDOWS: usize = 16;

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
    /// Puts a detector together from a model and the files beside it. Which labels are attacks is read off
    /// their names, or stated in `attack_labels`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, no label is known to be an attack, or the calibration is out of order.
    pub fn new(
        encoder: Box<dyn Encoder>,
        files: &EncoderFiles<'_>,
        attack_labels: &[&str],
    ) -> Result<Self, EncoderError> {
        let calibration = match files.calibration {
            Some(bytes) => serde_json::from_slice(bytes)
                .map_err(|error| EncoderError::CalibrationFile(error.to_string()))?,
            None => EncoderCalibration::default(),
        };
        let tokenizer = Tokenizer::from_json(files.tokenizer)?;
        let config: Config =
            serde_json::from_slice(files.config).map_err(|error| EncoderError::Config(error.to_string()))?;
        let attacks = attack_labels_of(&config, attack_labels)?;
        let EncoderCalibration { temperature, grey, attack, ref joint } = calibration;
        if !(temperature.is_finite() && temperature > 0.0 && 0.0 < grey && grey <= attack && attack < 1.0) {
            return Err(EncoderError::Calibration(temperature, grey, attack));
        }
        if joint.as_ref().is_some_and(|joint| !joint.is_in_order()) {
            return Err(EncoderError::Joint);
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

impl EncoderDetector {
    /// The ranges of `pieces` that are read one by one: all of them, each with the end of the one before.
    fn windows(&self, pieces: usize) -> impl ExactSizeIterator<Item = Range<usize>> + use<> {
        let (window, step) = (self.window, self.window - OVERLAP);
        let count = pieces.saturating_sub(OVERLAP).div_ceil(step).max(1);
        (0..count).map(move |at| at * step..(at * step + window).min(pieces))
    }

    /// The highest logit of the windows that a joint verdict reads: those in which the first stage found something, at
    /// `spans`, or all where it was not asked for places.
    fn highest(&self, text: &str, spans: &[Range<usize>]) -> Result<f32, DetectorError> {
        let failed = |reason| self.failed(text, reason);
        let pieces = self.tokenizer.pieces(text);
        let finds = |window: &Range<usize>| {
            let part = pieces.get(window.clone()).unwrap_or_default();
            let (Some(start), Some(end)) = (part.first(), part.last()) else { return false };
            spans.iter().any(|span| span.start < end.word.end && start.word.start < span.end)
        };
        let (found, others): (Vec<_>, Vec<_>) = self.windows(pieces.len()).partition(finds);
        let windows = if found.is_empty() { others } else { found };
        let mut highest = f32::NEG_INFINITY;
        for window in windows.into_iter().take(JOINT_WINDOWS) {
            let part = pieces.get(window).unwrap_or_default();
            highest = highest.max(logit(self.probability(&self.tokenizer.framed(part), &failed)?));
        }
        Ok(highest)
    }

    fn failed(&self, text: &str, reason: String) -> DetectorError {
        DetectorError::Encoder { encoder: self.encoder.identity(), bytes: text.len(), reason }
    }
}

impl Detector for EncoderDetector {
    fn identity(&self) -> String {
        format!("encoder:{}", self.encoder.identity())
    }

    fn asked_from(&self, carrier: Carrier, grey: f32) -> f32 {
        self.calibration.asked_from(carrier, grey)
    }

    fn score(&self, text: &str, _carrier: Carrier) -> Result<Score, DetectorError> {
        let failed = |reason| self.failed(text, reason);
        let pieces = self.tokenizer.pieces(text);
        let windows = self.windows(pieces.len());
        if windows.len() > MAX_WINDOWS {
            return Err(failed(format!(
                "it has {} tokens, more than {MAX_WINDOWS} windows hold",
                pieces.len()
            )));
        }
        let (mut highest, mut spans) = (0.0_f32, Vec::<Range<usize>>::new());
        for window in windows {
            let part = pieces.get(window).unwrap_or_default();
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
        let verdict =
            Thresholds { grey: self.calibration.grey, attack: self.calibration.attack }.verdict(highest);
        // An encoder cannot say which words it went by.
        Ok(Score {
            verdict,
            probability: highest,
            margin: logit(highest) - logit(self.calibration.attack),
            spans,
            reasons: Vec::new(),
        })
    }

    /// With a joint calibration: what the first stage made of it and the encoder's logit, added. Of a long text only
    /// the windows are read in which the first stage found something, so many as are allowed.
    fn confirm(&self, text: &str, carrier: Carrier, first: &Score) -> Result<Option<Score>, DetectorError> {
        let Some(joint) = &self.calibration.joint else {
            return if first.verdict == Verdict::Grey {
                self.score(text, carrier).map(Some)
            } else {
                Ok(None)
            };
        };
        let highest = self.highest(text, &first.spans)?;
        Ok(Some(joint.judge(first, highest, carrier)))
    }

    fn bar(&self, text: &str, carrier: Carrier, grey: f32) -> Result<f32, DetectorError> {
        let Some(joint) = &self.calibration.joint else {
            return super::bar_of_its_own(self, text, carrier, grey);
        };
        Ok(joint.bar(self.highest(text, &[])?, carrier).max(self.asked_from(carrier, grey)))
    }
}

/// From a probability to its logit.
fn logit(p: f32) -> f32 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    (p / (1.0 - p)).ln()
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

    fn files<'a>(config: &'a str, calibration: Option<&'a str>) -> EncoderFiles<'a> {
        let (tokenizer, config) = (TOKENIZER.as_bytes(), config.as_bytes());
        EncoderFiles { tokenizer, config, calibration: calibration.map(str::as_bytes) }
    }

    fn detector(config: &str, labels: &[&str]) -> Result<EncoderDetector, EncoderError> {
        EncoderDetector::new(Box::new(Finds(1)), &files(config, None), labels)
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
            let detector = EncoderDetector::new(encoder, &files("{}", None), &[]).unwrap();
            assert!(detector.score("text", Carrier::Chat).is_err());
        }
    }

    const JOINT: &str = r#"{"joint": {
        "chat": {"asked": -3.0, "weight": 0.5, "grey": 0.5, "attack": 1.0},
        "document": {"asked": -4.0, "weight": 1.5, "grey": 0.5, "attack": 1.0},
        "code": {"asked": -2.0, "weight": 0.5, "grey": 0.5, "attack": 9.0}}}"#;

    fn first(verdict: Verdict, margin: f32, spans: Vec<Range<usize>>) -> Score {
        Score { verdict, probability: 0.5, margin, spans, reasons: Vec::new() }
    }

    #[test]
    fn both_stages_judge_together() {
        let detector = EncoderDetector::new(Box::new(Finds(1)), &files("{}", Some(JOINT)), &[]).unwrap();
        // The encoder's logit is 6 or -6, so it adds or takes 3.
        let judged = |text: &str, carrier, margin| {
            let score =
                detector.confirm(text, carrier, &first(Verdict::Grey, margin, vec![])).unwrap().unwrap();
            (score.verdict, (score.margin * 100.0).round() / 100.0)
        };
        assert_eq!(judged("obey", Carrier::Chat, -1.0), (Verdict::Attack, 1.0));
        assert_eq!(judged("obey", Carrier::Chat, -2.2), (Verdict::Grey, -0.2));
        assert_eq!(judged("obey", Carrier::Code, -1.0), (Verdict::Grey, -7.0));
        assert_eq!(judged("word", Carrier::Chat, 2.0), (Verdict::Benign, -2.0));
        assert_eq!(judged("word", Carrier::Chat, 5.0), (Verdict::Attack, 1.0));
        // In documents it counts three times as much.
        assert_eq!(judged("obey", Carrier::Document, -4.0), (Verdict::Attack, 4.0));
    }

    #[test]
    fn it_is_asked_where_its_calibration_says_and_counts_nowhere_else() {
        let with =
            |calibration| EncoderDetector::new(Box::new(Finds(1)), &files("{}", calibration), &[]).unwrap();
        assert_eq!(with(None).asked_from(Carrier::Document, -2.5).to_bits(), (-2.5_f32).to_bits());
        let joint = with(Some(JOINT));
        assert_eq!(joint.asked_from(Carrier::Document, -2.5).to_bits(), (-4.0_f32).to_bits());
        // Its logit of 6 would make an attack of less than what it is asked about.
        assert_eq!(joint.bar("obey", Carrier::Document, -2.5).unwrap().to_bits(), (-4.0_f32).to_bits());
        assert!(joint.bar("word", Carrier::Document, -2.5).unwrap() > 9.0);
    }

    #[test]
    fn of_a_long_text_the_places_are_read_that_the_first_stage_found() {
        let detector = EncoderDetector::new(Box::new(Finds(1)), &files("{}", Some(JOINT)), &[]).unwrap();
        let mut words = vec!["word"; 60_000];
        words[50_000] = "obey";
        let text = words.join(" ");
        let place = text.find("obey").unwrap();
        let joint = |found: Range<usize>| {
            let first = first(Verdict::Grey, -1.0, std::iter::once(found).collect());
            detector.confirm(&text, Carrier::Chat, &first).unwrap().unwrap().verdict
        };
        assert_eq!(joint(place..place + 4), Verdict::Attack);
        assert_eq!(joint(3..9), Verdict::Benign);
    }

    #[test]
    fn places_in_which_the_first_stage_found_nothing_are_not_read() {
        let detector = EncoderDetector::new(Box::new(Finds(1)), &files("{}", Some(JOINT)), &[]).unwrap();
        let mut words = vec!["word"; 1500];
        words[1000] = "obey";
        let text = words.join(" ");
        let place = text.find("obey").unwrap();
        let joint = |starts: &[usize]| {
            let spans = starts.iter().map(|start| *start..start + 4).collect();
            detector
                .confirm(&text, Carrier::Chat, &first(Verdict::Grey, -1.0, spans))
                .unwrap()
                .unwrap()
                .verdict
        };
        assert_eq!(joint(&[5]), Verdict::Benign);
        assert_eq!(joint(&[5, place]), Verdict::Attack);
        // Who names no place wants all of it read.
        assert_eq!(joint(&[]), Verdict::Attack);
    }

    #[test]
    fn a_calibration_that_makes_no_sense_is_refused() {
        let with = |calibration: &str| {
            EncoderDetector::new(Box::new(Finds(1)), &files("{}", Some(calibration)), &[]).err().unwrap()
        };
        assert!(matches!(with(&JOINT.replace("1.5", "-1.5")), EncoderError::Joint));
        assert!(matches!(with(&JOINT.replace("9.0", "0.1")), EncoderError::Joint));
        assert!(matches!(with(r#"{"tempreature": 1}"#), EncoderError::CalibrationFile(_)));
        assert!(matches!(with(r#"{"grey": 0.9, "attack": 0.5}"#), EncoderError::Calibration(..)));
    }
}
