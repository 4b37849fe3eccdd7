//! `attack`: evasion attacks on a model of a project, or on any ONNX file.

mod attacks;
pub mod rows;
mod show;
mod subject;

use anyhow::Context as _;
use proofhouse_core::{Digest, Measurement};
use proofhouse_robustness::{
    Access, Attack, Bounds, Claim, Counting, CurvePoint, Diagnosis, EvasionReport, Goals, LabelledRows,
    Standing, Threat, Victim, curve, evade, probe,
};
use serde::Serialize;

use crate::Exit;
use crate::args::Format;
use crate::args::attack::AttackArgs;
use crate::terminal;
use subject::Subject;

/// What an attack on a model came to.
#[derive(Debug, Serialize)]
pub struct Attacked {
    schema: &'static str,
    /// Digest of the model file, or of the model's folder where it is a project's.
    model: Digest,
    /// Digest of the data file, or of the dataset's records.
    data: Digest,
    /// How the model was run.
    engines: Vec<String>,
    /// Why no gradients were used, where none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_gradients: Option<String>,
    /// What was looked for before the attacks.
    diagnosis: Diagnosis,
    /// What the attacks found at the first radius.
    report: EvasionReport,
    /// All radii, where several were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    curve: Vec<CurvePoint>,
    /// Accuracy before any attack.
    clean: Measurement,
    /// What may be said, where a share is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<Claim>,
}

pub async fn run(args: AttackArgs) -> anyhow::Result<Exit> {
    // Hours of arithmetic do not belong on a thread that answers signals.
    let args = std::sync::Arc::new(args);
    let attacked = tokio::task::spawn_blocking({
        let args = std::sync::Arc::clone(&args);
        move || attack(&args)
    })
    .await??;
    let json = serde_json::to_string_pretty(&attacked)?;
    if let Some(file) = &args.output {
        std::fs::write(file, format!("{json}\n"))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    match args.format {
        Format::Json => terminal::line(json),
        Format::Human => show::show(&attacked),
    }
    Ok(exit(&attacked))
}

/// 0: nothing was required or it holds. 1: it does not. 2: nobody can tell.
fn exit(attacked: &Attacked) -> Exit {
    match attacked.claim.as_ref().map(Claim::standing) {
        None => Exit::Clean,
        Some(Standing::Fell { .. }) => Exit::Findings,
        Some(Standing::Proved { .. } | Standing::Withstood { .. }) => Exit::Clean,
        Some(_) => Exit::Unknown,
    }
}

fn attack(args: &AttackArgs) -> anyhow::Result<Attacked> {
    let subject = Subject::open(args)?;
    let victim = subject.victim();
    let access = if victim.gradients.is_some() { Access::Gradients } else { Access::Scores };
    let (first, radii) = subject.radii.split_first().context("give a radius with --eps")?;
    let bounds = Bounds::Everywhere { low: subject.bounds.low, high: subject.bounds.high };
    let threat = Threat { norm: subject.norm, eps: *first, bounds, grid: subject.grid };
    let goals = args.target.map_or(Goals::Untargeted, Goals::Class);
    let data = LabelledRows::new(&subject.rows, &subject.labels).towards(goals);
    let counting = Counting { max_examples: args.examples, ..Counting::default() };

    let mut diagnosis = probe(&victim, &data, &threat, args.seed)?;
    let chosen = attacks::chosen(args, access, threat.norm, diagnosis.draws)?;
    let chosen: Vec<&dyn Attack> = chosen.iter().map(AsRef::as_ref).collect();
    let report = watched(&subject, &threat, |told| evade(&victim, &data, &threat, &chosen, &counting, told))?;
    diagnosis.review(&report);
    let curve = if radii.is_empty() {
        Vec::new()
    } else {
        watched(&subject, &threat, |told| {
            curve(&victim, &data, &subject.radii, &threat, &chosen, &counting, told)
        })?
    };
    let claim = args.require.map(|required| Claim::of(&report, &diagnosis, required));
    Ok(Attacked {
        schema: "proofhouse.attack/v1",
        model: subject.model_digest,
        data: subject.data_digest,
        engines: subject.engines(),
        without_gradients: subject.without_gradients.clone(),
        clean: subject.accuracy(&victim)?,
        diagnosis,
        report,
        curve,
        claim,
    })
}

/// Runs something long under a bar.
fn watched<T>(
    subject: &Subject,
    threat: &Threat,
    run: impl FnOnce(
        &mut dyn FnMut(proofhouse_robustness::Progress),
    ) -> Result<T, proofhouse_robustness::RobustnessError>,
) -> anyhow::Result<T> {
    use proofhouse_lifecycle::Progress as _;
    let bar = terminal::Bar::new();
    bar.step(&format!("{} rows, {} at most {}", subject.labels.len(), threat.norm.name(), threat.eps));
    let done = run(&mut |p| bar.advance(p.rows_done as u64, p.rows as u64));
    drop(bar);
    Ok(done?)
}

impl Subject {
    fn accuracy(&self, victim: &Victim<'_>) -> anyhow::Result<Measurement> {
        let evaluation = proofhouse_onnx::evaluate(victim.model, &self.rows, &self.labels, 0.95)?;
        Ok(evaluation.accuracy)
    }
}
