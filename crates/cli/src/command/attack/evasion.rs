//! `attack` by itself: changes within a distance, what they leave, and what is proved.

use anyhow::Context as _;
use proofhouse_core::{Digest, Measurement};
use proofhouse_onnx::OnnxError;
use proofhouse_robustness::certify::{Proof, SmoothedReport, Smoothing, smooth};
use proofhouse_robustness::{
    Attack, Claim, Counting, CurvePoint, Diagnosis, EvasionReport, Goals, Norm, RobustnessError, Standing,
    Threat, curve, evade_in_groups, probe,
};
use serde::Serialize;

use super::remote::{GROUP, Partial, Remote, Target, Whole};
use super::subject::Subject;
use super::{Found, attacks, rows, watched};
use crate::Exit;
use crate::args::attack::{EvasionArgs, OutputArgs, ProofArg};
use crate::terminal;

/// What an attack on a model came to.
#[derive(Debug, Serialize)]
pub struct Attacked {
    schema: &'static str,
    /// What people call the model.
    #[serde(skip)]
    pub name: String,
    /// Digest of the model file, or of the model's folder where it is a project's; absent where the model is somewhere
    /// else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Digest>,
    /// The model, where it can only be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// That the attack stopped midway. The report is about the rows that were done by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
    /// Digest of the data file, or of the dataset's records.
    pub data: Digest,
    /// How the model was run.
    pub engines: Vec<String>,
    /// Why no gradients were used, where none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_gradients: Option<String>,
    /// What was looked for before the attacks.
    pub diagnosis: Diagnosis,
    /// What the attacks found at the first radius, an upper bound of robust accuracy, and beside it what is proved.
    pub report: EvasionReport,
    /// Why nothing is proved, where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_proved: Option<String>,
    /// Exact distances: half of the rows have another class nearer than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_distance: Option<f64>,
    /// What is certified of the model smoothed by noise, which is another model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smoothed: Option<Smoothed>,
    /// All radii, where several were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<CurvePoint>,
    /// Accuracy before any attack.
    pub clean: Measurement,
    /// What may be said, where a share is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// The share that was required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<f64>,
    /// Shape of a row, for pictures; names for tables.
    #[serde(skip)]
    pub shape: Vec<usize>,
    #[serde(skip)]
    pub classes: Vec<String>,
    #[serde(skip)]
    pub features: Vec<String>,
    #[serde(skip)]
    pub seed: u64,
}

/// What is certified of the smoothed model.
#[derive(Debug, Serialize)]
pub struct Smoothed {
    /// Everything it was run with.
    smoothing: Smoothing,
    /// Rows whose class it says.
    pub accuracy: Measurement,
    /// Of all rows right and certified within the L2 radius, by radius.
    pub certified: Vec<(f64, Measurement)>,
    /// Forward passes.
    queries: u64,
}

impl Found for Attacked {
    /// 0: nothing was required or it holds. 1: it does not. 2: nobody can tell.
    fn exit(&self) -> Exit {
        if self.partial.is_some() {
            return Exit::Unknown;
        }
        match self.claim.as_ref().map(Claim::standing) {
            None => Exit::Clean,
            Some(Standing::Fell { .. }) => Exit::Findings,
            Some(Standing::Proved { .. } | Standing::Withstood { .. }) => Exit::Clean,
            Some(_) => Exit::Unknown,
        }
    }

    fn show(&self) {
        super::show::show(self);
    }

    fn page(&self) -> proofhouse_report::input::Examination {
        super::page::evasion(self)
    }
}

pub fn output(args: &EvasionArgs) -> &OutputArgs {
    &args.output
}

pub fn attack(args: &EvasionArgs) -> anyhow::Result<Attacked> {
    let meant = args.remote.is_meant();
    let subject = if meant { Subject::of_remote(args)? } else { Subject::open(&args.subject)? };
    let victim = subject.victim();
    let described = subject.described.as_ref();
    let domains = described.map(|d| &d.project.system.datasets).into_iter().flatten();
    if domains.filter_map(|d| d.features.as_ref()).any(|f| f.domain.is_some()) {
        terminal::note("the rules of the table do not bind here; `proofhouse attack table` keeps them");
    }
    let mut radii = args.eps.clone();
    if radii.is_empty() {
        let stated = described.map(|d| d.eps).filter(|eps| *eps > 0.0);
        radii = vec![stated.context(
            "the system file has no checks.evasion to say how large a change may be; state it there, or give --eps",
        )?];
    }
    let norm = args.norm.map(rows::norm).or(described.map(|d| d.norm)).unwrap_or(Norm::Linf);
    let mut grid = args.grid.or_else(|| described.and_then(|d| d.grid));
    if let Some(whole) = subject.remote().and_then(Remote::whole) {
        grid = Some(whole.grid(grid)?);
        radii = sendable(whole, norm, &radii)?;
    }
    let (first, more) = radii.split_first().context("give a radius with --eps")?;
    let threat = Threat { norm, eps: *first, bounds: subject.everywhere(), grid };
    let goals = args.target.map_or(Goals::Untargeted, Goals::Class);
    let data = subject.data().towards(goals);
    let counting = Counting { max_examples: args.examples, ..Counting::default() };
    let what = format!("{} rows, {} at most {}", subject.labels.len(), threat.norm.name(), threat.eps);

    if meant {
        // What cannot be run is refused before anything is asked.
        attacks::chosen(args, &subject, threat.norm, 1, None)?;
    }
    let mut stopped = None;
    let looked = watched("how the model answers", |_| probe(&victim, &data, &threat, args.subject.seed));
    let mut diagnosis = passing(&subject, &mut stopped, looked)?.unwrap_or_default();
    diagnosis.draws = diagnosis.draws.max(1);
    let (proof, not_proved) = proof(args, &subject, &data, &threat)?;
    let chosen = attacks::chosen(args, &subject, threat.norm, diagnosis.draws, proof.as_ref())?;
    let chosen: Vec<&dyn Attack> = chosen.iter().map(AsRef::as_ref).collect();
    let group = if meant { GROUP } else { usize::MAX };
    // How far a search by questions is, its questions say; how many rows are done says little until all are.
    let each = if meant { args.queries.saturating_mul(chosen.len() as u64).max(1) } else { 1 };
    let pursuit = watched(&what, |told| {
        evade_in_groups(&victim, &data, &threat, &chosen, &counting, group, &mut |p| {
            let (done, rows) = (p.rows_done as u64, p.rows as u64);
            let done = if meant { done.saturating_mul(each).max(p.queries) } else { done };
            told(whole(done), whole(rows.saturating_mul(each)));
        })
    })?;
    let mut report = pursuit.report;
    if let Some(error) = pursuit.stopped {
        passing::<()>(&subject, &mut stopped, Err(error))?;
    }
    diagnosis.review(&report);
    if let Some(proof) = &proof {
        let rows = watched("proving", |_| proof.certified(subject.model(), &data, &threat))?;
        report.certify(proof.method(), &rows)?;
    }
    let mut points = Vec::new();
    if !more.is_empty() && stopped.is_none() {
        let found = watched("curve", |told| {
            curve(&victim, &data, &radii, &threat, &chosen, &counting, &mut |p| told(p.rows_done, p.rows))
        });
        points = passing(&subject, &mut stopped, found)?.unwrap_or_default();
        if let Some(proof) = &proof {
            watched("proving", |_| proof.curve(subject.model(), &data, &threat, &mut points, 0.95))?;
        }
    }
    let smoothed = match args.prove {
        ProofArg::Smoothing if meant => anyhow::bail!(
            "smoothing asks far more than anybody would of a model somewhere else; leave --prove smoothing out"
        ),
        ProofArg::Smoothing => Some(smoothed(args, &subject, &threat, &radii)?),
        ProofArg::Auto | ProofArg::None => None,
    };
    let partial = stopped
        .zip(subject.remote())
        .map(|(why, remote)| remote.partial(why, report.n, subject.labels.len() as u64));
    // Nothing is claimed of rows that were not attacked.
    let required = args.require.filter(|_| partial.is_none());
    let claim = required.map(|required| Claim::of(&report, &diagnosis, required));
    Ok(Attacked {
        schema: "proofhouse.attack/v1",
        name: subject.name.clone(),
        model: (!meant).then_some(subject.model_digest),
        target: subject.remote().map(Remote::target),
        partial,
        data: subject.data_digest,
        engines: subject.engines(),
        without_gradients: subject.without_gradients.clone(),
        clean: Measurement::proportion("accuracy", report.robust_correct + report.evaded, report.n, 0.95),
        median_distance: proof.as_ref().and_then(Proof::attack).and_then(|trees| trees.median()),
        diagnosis,
        report,
        not_proved,
        smoothed,
        curve: points,
        claim,
        required: args.require,
        shape: subject.options.input_shape.clone(),
        classes: subject.classes.clone(),
        features: subject.features.clone(),
        seed: args.subject.seed,
    })
}

/// What came of a step, or nothing where a model somewhere else failed, which ends the attack but loses nothing.
fn passing<T>(
    subject: &Subject,
    stopped: &mut Option<String>,
    step: Result<T, RobustnessError>,
) -> Result<Option<T>, RobustnessError> {
    match step {
        Ok(done) => Ok(Some(done)),
        Err(RobustnessError::Model(error)) if subject.remote().is_some() => {
            let why = match error {
                OnnxError::Run(why) => why,
                other => other.to_string(),
            };
            stopped.get_or_insert(why);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The radii of what can be sent to a model that takes whole numbers.
fn sendable(whole: &Whole, norm: Norm, radii: &[f64]) -> anyhow::Result<Vec<f64>> {
    let held = radii.iter().map(|eps| whole.radius(norm, *eps)).collect::<anyhow::Result<Vec<_>>>()?;
    for (asked, held) in radii.iter().zip(&held).filter(|(asked, held)| asked != held) {
        terminal::note(format!(
            "the model takes {}, so that values lie {} apart: at most {asked} means at most {held}",
            whole.says(),
            whole.step()
        ));
    }
    Ok(held)
}

fn whole(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// The best proof there is, or why there is none.
fn proof(
    args: &EvasionArgs,
    subject: &Subject,
    data: &proofhouse_robustness::LabelledRows<'_>,
    threat: &Threat,
) -> anyhow::Result<(Option<Proof>, Option<String>)> {
    if subject.remote().is_some() {
        return Ok((None, Some("the model can only be asked".to_owned())));
    }
    if args.prove == ProofArg::None {
        return Ok((None, Some("--prove none was asked for".to_owned())));
    }
    // Rows that do not fit are an error of the whole and not a reason against a proof.
    data.check(subject.model(), threat)?;
    let graph = subject.graph()?;
    let found = watched("exact distances", |told| {
        Proof::find(&graph, &subject.options, subject.model(), data, threat, &mut |done, of| told(done, of))
    });
    Ok(match found {
        Ok(proof) => (Some(proof), None),
        Err(error) => (None, Some(error.to_string())),
    })
}

fn smoothed(
    args: &EvasionArgs,
    subject: &Subject,
    threat: &Threat,
    radii: &[f64],
) -> anyhow::Result<Smoothed> {
    // The certificate is one in l2; a radius in another norm is covered by this one.
    let features = subject.options.input_shape.iter().product::<usize>() as f64;
    let l2 = match threat.norm {
        Norm::Linf => threat.eps * features.sqrt(),
        Norm::L2 | Norm::L1 => threat.eps,
        other => anyhow::bail!("smoothing certifies in l2 and covers linf and l1, not {other}; leave it out"),
    };
    let smoothing =
        Smoothing { sigma: l2 / 2.0, estimate: 1000, seed: args.subject.seed, ..Smoothing::default() };
    let found: SmoothedReport = watched("smoothing", |told| {
        smooth(subject.model(), &subject.data(), &smoothing, &mut |done, of| told(done, of))
    })?;
    let scale = l2 / threat.eps;
    let certified = radii.iter().map(|eps| (eps * scale, found.certified_at(eps * scale, 0.95))).collect();
    Ok(Smoothed { smoothing: found.smoothing, accuracy: found.accuracy, certified, queries: found.queries })
}
