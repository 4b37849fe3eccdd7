//! `attack` by itself: changes within a distance, what they leave, and what is proved.

use anyhow::Context as _;
use proofhouse_core::{Digest, Measurement};
use proofhouse_robustness::certify::{Proof, SmoothedReport, Smoothing, smooth};
use proofhouse_robustness::{
    Attack, Claim, Counting, CurvePoint, Diagnosis, EvasionReport, Goals, Norm, Standing, Threat, curve,
    evade, probe,
};
use serde::Serialize;

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
    /// Digest of the model file, or of the model's folder where it is a project's.
    pub model: Digest,
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
    let subject = Subject::open(&args.subject)?;
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
    let (first, more) = radii.split_first().context("give a radius with --eps")?;
    let threat = Threat {
        norm: args.norm.map(rows::norm).or(described.map(|d| d.norm)).unwrap_or(Norm::Linf),
        eps: *first,
        bounds: subject.everywhere(),
        grid: args.grid.or_else(|| described.and_then(|d| d.grid)),
    };
    let goals = args.target.map_or(Goals::Untargeted, Goals::Class);
    let data = subject.data().towards(goals);
    let counting = Counting { max_examples: args.examples, ..Counting::default() };
    let what = format!("{} rows, {} at most {}", subject.labels.len(), threat.norm.name(), threat.eps);

    let mut diagnosis = probe(&victim, &data, &threat, args.subject.seed)?;
    let (proof, not_proved) = proof(args, &subject, &data, &threat)?;
    let chosen = attacks::chosen(args, &subject, threat.norm, diagnosis.draws, proof.as_ref())?;
    let chosen: Vec<&dyn Attack> = chosen.iter().map(AsRef::as_ref).collect();
    let mut report = watched(&what, |told| {
        evade(&victim, &data, &threat, &chosen, &counting, &mut |p| told(p.rows_done, p.rows))
    })?;
    diagnosis.review(&report);
    if let Some(proof) = &proof {
        let rows = watched("proving", |_| proof.certified(subject.model(), &data, &threat))?;
        report.certify(proof.method(), &rows)?;
    }
    let mut points = Vec::new();
    if !more.is_empty() {
        points = watched("curve", |told| {
            curve(&victim, &data, &radii, &threat, &chosen, &counting, &mut |p| told(p.rows_done, p.rows))
        })?;
        if let Some(proof) = &proof {
            watched("proving", |_| proof.curve(subject.model(), &data, &threat, &mut points, 0.95))?;
        }
    }
    let smoothed = match args.prove {
        ProofArg::Smoothing => Some(smoothed(args, &subject, &threat, &radii)?),
        ProofArg::Auto | ProofArg::None => None,
    };
    let claim = args.require.map(|required| Claim::of(&report, &diagnosis, required));
    Ok(Attacked {
        schema: "proofhouse.attack/v1",
        name: subject.name.clone(),
        model: subject.model_digest,
        data: subject.data_digest,
        engines: subject.engines(),
        without_gradients: subject.without_gradients.clone(),
        clean: subject.accuracy()?,
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

/// The best proof there is, or why there is none.
fn proof(
    args: &EvasionArgs,
    subject: &Subject,
    data: &proofhouse_robustness::LabelledRows<'_>,
    threat: &Threat,
) -> anyhow::Result<(Option<Proof>, Option<String>)> {
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
