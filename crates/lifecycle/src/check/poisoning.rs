//! Planted training rows, looked for in what the model has made of them before its last layer
//! ([`proofhouse_robustness::poisoning`] says how).
//!
//! Two checks share the activations: spectral signatures answer for rows with a wrong label and a trigger, clusters for
//! those whose label looks right. Both hold training rows against rows that the suspects could not write.

use std::collections::BTreeSet;

use proofhouse_core::{Digest, Finding, Place, Reference, Severity, Unit, Verdict};
use proofhouse_dataset::Records;
use proofhouse_onnx::{HiddenLayer, LoadOptions, Scores as _, predict};
use proofhouse_robustness::Chance;
use proofhouse_robustness::poisoning::clusters::{ClassClusters, clusters};
use proofhouse_robustness::poisoning::spectral::{SpectralReport, spectral};
use proofhouse_robustness::poisoning::{Activations, FEWEST};
use proofhouse_system::{Confidence, PoisoningCheck, Positive, Probability};
use serde_json::{Value, json};

use super::subject::{all_learned, count, learned, plain};
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;
use crate::data::LoadedDataset;

const MAX_SHARE: f64 = 0.005;
const MAX_SILHOUETTE: f64 = 0.1;
const DETECTABLE: f64 = 0.2;
const SAMPLES: usize = 2000;
const CONFIDENCE: f64 = 0.99;
/// Share of the reference that may be found among the training rows: tables have rows that are alike by themselves.
const MAX_SHARED: f64 = 0.05;
/// Suspects named for each class; the rest is counted.
const MOST_NAMED: usize = 1000;

/// Rows that lie further out than the reference explains.
pub struct SpectralSignature;

/// Classes of two clusters, of which the reference has one.
pub struct ActivationClustering;

impl Check for SpectralSignature {
    fn kinds(&self) -> &'static [&'static str] {
        &["spectral-signature"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        setups(context)
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        context.progress.step("spectral signature: the widest direction of each class");
        let seen = match Seen::of(context)? {
            Ok(seen) => seen,
            Err(why) => return Ok(Outcome::not_measurable(self.name(), &why)),
        };
        let classes = seen.classes.len();
        let report = spectral(seen.trained.view(), seen.held.view(), classes, seen.error(), seen.check.seed)?;
        Ok(seen.judge_spectral(&report))
    }
}

impl Check for ActivationClustering {
    fn kinds(&self) -> &'static [&'static str] {
        &["activation-clustering"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        setups(context)
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        context.progress.step("activation clustering: two clusters of each class");
        let seen = match Seen::of(context)? {
            Ok(seen) => seen,
            Err(why) => return Ok(Outcome::not_measurable(self.name(), &why)),
        };
        let clearer = seen.check.max_silhouette.map_or(MAX_SILHOUETTE, Positive::get);
        let limits = (seen.error(), clearer);
        let found =
            clusters(seen.trained.view(), seen.held.view(), seen.classes.len(), limits, seen.check.seed)?;
        Ok(seen.judge_clusters(&found, clearer))
    }
}

fn setups(context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
    if context.model.spec().writes() {
        return Ok(Vec::new());
    }
    let Some(check) = parameters(context) else { return Ok(Vec::new()) };
    let config = json!({ "check": check, "reference": context.datasets.get(&check.reference)?.digest() });
    let setup = Setup::of(context.model.subject(), config).with_data(learned(context)?.digest());
    Ok(vec![Setup { seed: Some(check.seed), ..setup }])
}

fn parameters(context: &Context<'_>) -> Option<PoisoningCheck> {
    context.project.system.checks.poisoning.clone()
}

/// Rows of one side, with what the model makes of them.
struct Side {
    values: Vec<f32>,
    labels: Vec<usize>,
    predicted: Vec<Option<usize>>,
    /// The place of each row in its dataset.
    indices: Vec<usize>,
}

impl Side {
    /// At most `most` rows of each class, by chance, without those `left_out`.
    fn of(
        context: &Context<'_>,
        layer: &HiddenLayer,
        data: &LoadedDataset,
        (most, seed): (usize, u64),
        left_out: &dyn Fn(usize) -> bool,
    ) -> Result<Self, LifecycleError> {
        let (all, labels) = (data.features()?, data.labels()?);
        let width = all.len() / labels.len().max(1);
        let mut order: Vec<usize> = (0..labels.len()).filter(|at| !left_out(*at)).collect();
        Chance::new(seed, "rows of a class", 0).shuffle(&mut order);
        let mut taken = vec![0; labels.iter().max().map_or(0, |most| most + 1)];
        order.retain(|at| {
            taken[labels[*at]] += 1;
            taken[labels[*at]] <= most
        });
        order.sort_unstable();
        let rows: Vec<f32> = order.iter().flat_map(|at| &all[at * width..][..width]).copied().collect();
        let model = context.model.classifier()?;
        let mut scores = Vec::new();
        model.scores(&rows, order.len(), &mut scores)?;
        Ok(Self {
            values: layer.values(&rows, order.len())?,
            labels: order.iter().map(|at| labels[*at]).collect(),
            predicted: predict(&scores, model.classes()),
            indices: order,
        })
    }

    fn view(&self) -> Activations<'_> {
        Activations { values: &self.values, labels: &self.labels, predicted: &self.predicted }
    }
}

/// Why a reference cannot answer for training rows: it is made of them.
fn shared(data: &LoadedDataset, held: &LoadedDataset) -> Result<Option<String>, LifecycleError> {
    let rows = |data: &LoadedDataset| -> Result<Vec<Vec<u32>>, LifecycleError> {
        let (all, n) = (data.features()?, data.labels()?.len());
        let width = (all.len() / n.max(1)).max(1);
        Ok(all.chunks_exact(width).map(|row| row.iter().map(|v| v.to_bits()).collect()).collect())
    };
    let trained: BTreeSet<Vec<u32>> = rows(data)?.into_iter().collect();
    let reference = rows(held)?;
    let both = reference.iter().filter(|row| trained.contains(*row)).count();
    let limit = MAX_SHARED * reference.len() as f64;
    Ok((both as f64 > limit).then(|| {
        format!(
            "{both} of {} reference rows are training rows, too, which cannot answer for themselves; name rows that were \
             kept apart under checks.poisoning.reference",
            reference.len()
        )
    }))
}

/// Both sides, and how they are judged.
struct Seen {
    check: PoisoningCheck,
    trained: Side,
    held: Side,
    layer: String,
    classes: Vec<String>,
    records: Vec<Digest>,
    reviewed: usize,
    reviewed_digests: usize,
}

impl Seen {
    /// Runs the model up to its last layer on both sides, or says why it has no such layer.
    fn of(context: &Context<'_>) -> Result<Result<Self, String>, LifecycleError> {
        let Some(check) = parameters(context) else {
            let why =
                "the system file names no rows that the suspects could not write; describe checks.poisoning";
            return Ok(Err(why.to_owned()));
        };
        let options = context.model.classifier()?.options().clone();
        let layer = match HiddenLayer::new(context.model.graph()?, options, &LoadOptions::default()) {
            Ok(layer) => layer,
            Err(why) => return Ok(Err(why.to_string())),
        };
        let data = match all_learned(context)? {
            Ok(data) => data,
            Err(why) => return Ok(Err(why)),
        };
        let held = context.datasets.get(&check.reference)?;
        if let Some(why) = shared(data, held)? {
            return Ok(Err(why));
        }
        let records = Records::of(data.table()).digests().to_vec();
        let reviewed = check.reviewed.clone().unwrap_or_default();
        let left_out = |at: usize| records.get(at).is_some_and(|record| reviewed.contains(record));
        let drawn = (count(check.samples, SAMPLES), check.seed);
        let trained = Side::of(context, &layer, data, drawn, &left_out)?;
        let held = Side::of(context, &layer, held, drawn, &|_| false)?;
        if trained.labels.is_empty() || held.labels.is_empty() {
            return Ok(Err("there are no rows to compare".to_owned()));
        }
        Ok(Ok(Self {
            reviewed: (0..records.len()).filter(|at| left_out(*at)).count(),
            reviewed_digests: reviewed.iter().filter(|digest| records.contains(digest)).count(),
            layer: layer.name().to_owned(),
            classes: context.model.tensors()?.classes.to_vec(),
            check,
            trained,
            held,
            records,
        }))
    }

    fn error(&self) -> f64 {
        1.0 - self.check.confidence.map_or(CONFIDENCE, Confidence::get)
    }

    fn class(&self, class: usize) -> &str {
        self.classes.get(class).map_or("?", String::as_str)
    }

    /// A class that cannot be judged, in words.
    fn small(&self, class: usize, trained: u64, held: u64) -> String {
        format!("{} ({trained} rows, {held} of the reference)", self.class(class))
    }

    fn judge_spectral(&self, report: &SpectralReport) -> Outcome {
        let limit = self.check.max_share.map_or(MAX_SHARE, Probability::get);
        let sight = self.check.detectable.map_or(DETECTABLE, Probability::get);
        let blind: Vec<_> =
            report.classes.iter().filter(|c| c.chance.is_none() || c.detectable > sight).collect();
        let flagged: Vec<_> = report.classes.iter().filter(|c| c.excess > 0.0).collect();
        // Few rows may be flagged, and none of them unseen by a person.
        let verdict = match (report.excess > limit, flagged.is_empty() && blind.is_empty()) {
            (true, _) => Verdict::Fail,
            (false, true) => Verdict::Pass,
            (false, false) => Verdict::Unknown,
        };
        let least =
            report.classes.iter().filter(|c| c.chance.is_some()).map(|c| c.detectable).fold(0.0, f64::max);
        let mut criterion = vec![format!(
            "{:.3} % of the training rows looked at lie further out than the reference explains, at most {} % (before the \
             last layer, {:?})",
            report.excess * 100.0,
            limit * 100.0,
            self.layer
        )];
        criterion.extend((least > 0.0).then(|| {
            format!(
                "a share of {:.1} % of a class that is judged could have been seen at best",
                least * 100.0
            )
        }));
        if verdict == Verdict::Unknown && !flagged.is_empty() {
            criterion.push("the rows that are named have to be reviewed".to_owned());
        }
        criterion.extend((!blind.is_empty()).then(|| {
            let blind = blind.iter().map(|c| self.small(c.class, c.trained, c.reference)).collect::<Vec<_>>();
            format!("not measurable for too few rows that the model gets right: {}", blind.join(", "))
        }));
        criterion.extend(self.of_reviewed());
        let findings = flagged.iter().map(|c| {
            let more = format!("{:.1} % of it lie further out than the reference explains", c.excess * 100.0);
            self.found("poisoning/spectral", c.class, &more, &c.suspects)
        });
        let measured = std::iter::once(plain("poisoned-share", report.excess, Unit::Ratio)).chain(
            report.classes.iter().flat_map(|c| {
                let slice = format!("class={}", self.class(c.class));
                [
                    plain("poisoned-share", c.excess, Unit::Ratio).of_slice(slice.clone()),
                    plain("detectable-share", c.detectable, Unit::Ratio).of_slice(slice),
                ]
            }),
        );
        let mut outcome = Outcome::new(verdict, criterion.join("; "))
            .measured(measured.collect())
            .found(findings.collect());
        let suspects = report.classes.iter().map(|c| self.named(c.class, &c.suspects));
        outcome.exhibit =
            Some(json!({ "report": without_suspects(report), "suspects": suspects.collect::<Vec<_>>() }));
        outcome
    }

    fn judge_clusters(&self, found: &[ClassClusters], clearer: f64) -> Outcome {
        let sight = self.check.detectable.map_or(DETECTABLE, Probability::get);
        let blind: Vec<_> = found.iter().filter(|c| c.division.is_none() || c.detectable > sight).collect();
        let flagged: Vec<_> = found.iter().filter(|c| c.flagged).collect();
        let verdict = match (flagged.is_empty(), blind.is_empty()) {
            (false, _) => Verdict::Fail,
            (true, true) => Verdict::Pass,
            (true, false) => Verdict::Unknown,
        };
        let furthest = found
            .iter()
            .filter_map(|c| c.division.as_ref().map(|d| (c.class, d)))
            .max_by(|a, b| a.1.above().total_cmp(&b.1.above()));
        let mut criterion = vec![format!(
            "no class has a cluster that its reference lacks; divided more clearly than the reference by at most {clearer} \
             in mean silhouette, or as often (before the last layer, {:?})",
            self.layer
        )];
        criterion.extend(furthest.map(|(class, d)| {
            format!(
                "the largest step above the reference is {:.3}, of class {} ({:.3} against {:.3}; {:.1} % of its rows in the \
                 rarer cluster, {:.1} % of the reference)",
                d.above(),
                self.class(class),
                d.silhouette,
                d.reference_silhouette,
                d.share * 100.0,
                d.reference_share * 100.0
            )
        }));
        criterion.extend((!blind.is_empty()).then(|| {
            let blind = blind.iter().map(|c| self.small(c.class, c.trained, c.reference)).collect::<Vec<_>>();
            format!("not measurable for too few rows that the model gets right (at least {FEWEST}, and enough to see {} % of a class): {}", sight * 100.0, blind.join(", "))
        }));
        criterion.extend(self.of_reviewed());
        let findings = flagged.iter().filter_map(|c| {
            let d = c.division.as_ref()?;
            let more = format!(
                "a cluster of {:.1} % of it has {:.1} % of the reference",
                d.share * 100.0,
                d.reference_share * 100.0
            );
            Some(self.found("poisoning/cluster", c.class, &more, &c.suspects))
        });
        let measured =
            found.iter().filter_map(|c| c.division.as_ref().map(|d| (c.class, d))).flat_map(|(class, d)| {
                let slice = format!("class={}", self.class(class));
                [
                    plain("silhouette", d.silhouette, Unit::Statistic).of_slice(slice.clone()),
                    plain("silhouette-above-reference", d.above(), Unit::Statistic).of_slice(slice),
                ]
            });
        let mut outcome = Outcome::new(verdict, criterion.join("; "))
            .measured(measured.collect())
            .found(findings.collect());
        let suspects: Vec<Value> = found.iter().map(|c| self.named(c.class, &c.suspects)).collect();
        let report: Vec<ClassClusters> =
            found.iter().map(|c| ClassClusters { suspects: Vec::new(), ..c.clone() }).collect();
        outcome.exhibit = Some(json!({ "report": report, "suspects": suspects }));
        outcome
    }

    fn of_reviewed(&self) -> Option<String> {
        let named = self.check.reviewed.as_ref().map_or(0, Vec::len);
        (named > 0).then(|| {
            let unknown = match named.saturating_sub(self.reviewed_digests) {
                0 => String::new(),
                n => format!(
                    "; {n} of {named} digests under checks.poisoning.reviewed are of no training record"
                ),
            };
            format!("{} records that were reviewed are left out{unknown}", self.reviewed)
        })
    }

    fn found(&self, rule: &str, class: usize, more: &str, suspects: &[usize]) -> Finding {
        let rows: Vec<String> =
            suspects.iter().take(10).map(|at| self.trained.indices[*at].to_string()).collect();
        Finding {
            rule: rule.to_owned(),
            severity: Severity::High,
            message: format!(
                "class {}: {more}; {} rows to look at, such as {}",
                self.class(class),
                suspects.len(),
                rows.join(", ")
            ),
            place: Place::default(),
            remediation: "look at the rows that the exhibit names (proofhouse ledger object); take out what was planted and \
                          train again, or list the digests of records that are in order under \
                          checks.poisoning.reviewed"
                .to_owned(),
            references: vec![Reference::new("NIST-RMF", "1.0", "MEASURE 2.7")],
        }
    }

    /// Rows of a class that are to be looked at: their place in the dataset, from 0, and their record's digest.
    fn named(&self, class: usize, suspects: &[usize]) -> Value {
        let rows: Vec<Value> = suspects
            .iter()
            .take(MOST_NAMED)
            .map(|at| self.trained.indices[*at])
            .map(|row| json!({ "row": row, "record": self.records.get(row) }))
            .collect();
        json!({ "class": self.class(class), "rows": rows, "of": suspects.len() })
    }
}

fn without_suspects(report: &SpectralReport) -> SpectralReport {
    let mut report = report.clone();
    report.classes.iter_mut().for_each(|c| c.suspects.clear());
    report
}
