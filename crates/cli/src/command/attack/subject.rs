//! What is attacked: a model, rows, and what an attacker may do to them.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use proofhouse_core::Digest;
use proofhouse_lifecycle::{ModelUnderTest, Project, data::Datasets};
use proofhouse_onnx::{
    Classifier, ClassifierOptions, DifferentiableClassifier, LoadOptions, OutputKind, Scores, load,
};
use proofhouse_robustness::{Norm, Victim};
use proofhouse_system as system;

use super::rows::{Rows, classifier_options, norm};
use crate::args::attack::{AttackArgs, BoxArg};

/// A model with rows.
pub struct Subject {
    pub model_digest: Digest,
    pub data_digest: Digest,
    pub rows: Vec<f32>,
    pub labels: Vec<usize>,
    pub norm: Norm,
    pub radii: Vec<f64>,
    pub bounds: BoxArg,
    pub grid: Option<f64>,
    /// Why there are no gradients.
    pub without_gradients: Option<String>,
    classifier: Classifier,
    gradients: Option<DifferentiableClassifier>,
}

impl Subject {
    pub fn open(args: &AttackArgs) -> anyhow::Result<Self> {
        match (&args.project, &args.model, &args.data) {
            (Some(project), ..) => Self::of_project(args, project),
            (None, Some(model), Some(data)) => Self::of_files(args, model, data),
            _ => bail!("nothing to attack; give a project, or --model and --data"),
        }
    }

    /// The model as attacks see it.
    pub fn victim(&self) -> Victim<'_> {
        match &self.gradients {
            // Two ways of computing the same model: what one calls a counterexample the other has to confirm.
            Some(own) => Victim::white_box(&self.classifier, own).confirmed_by("differentiable graph", own),
            None => Victim::black_box(&self.classifier),
        }
    }

    pub fn engines(&self) -> Vec<String> {
        let own = self.gradients.as_ref().map(|_| "differentiable graph".to_owned());
        std::iter::once("loaded model".to_owned()).chain(own).collect()
    }

    fn of_project(args: &AttackArgs, project: &Path) -> anyhow::Result<Self> {
        let project = Project::load(project)?;
        let (datasets, model) = (Datasets::load(&project)?, ModelUnderTest::load(&project)?);
        let check = project.system.checks.evasion.as_ref().context(
            "the system file has no checks.evasion; state what an attacker may do, or give --model and --data",
        )?;
        let data = datasets.judged_by(Some(&check.dataset))?;
        let tensors = model.tensors()?;
        let features = tensors.input.len();
        let count = args.rows.unwrap_or(usize::try_from(check.samples.get()).unwrap_or(usize::MAX));
        let count = count.min(data.labels()?.len());
        let options = model.classifier()?.options().clone();
        let bounds = BoxArg { low: check.bounds.low as f32, high: check.bounds.high as f32 };
        let file = model.graph()?;
        Self::new(args, file, options, model.digest(), data.digest())?
            .with(data.features()?[..count * features].to_vec(), data.labels()?[..count].to_vec())
            .map(|subject| Self {
                norm: args.norm.map_or(of_system(check.norm), norm),
                radii: if args.eps.is_empty() { vec![check.eps.get()] } else { args.eps.clone() },
                bounds: args.bounds.unwrap_or(bounds),
                grid: args.grid.or_else(|| data.grid()),
                ..subject
            })
    }

    fn of_files(args: &AttackArgs, model: &Path, data: &Path) -> anyhow::Result<Self> {
        let file = std::fs::read(model).with_context(|| format!("cannot read {}", model.display()))?;
        let rows = Rows::read(data, args.rows)?;
        let options = classifier_options(&file, &rows.shape, args.scale)?;
        Self::new(args, &file, options, Digest::of(&file), rows.digest)?.with(rows.values, rows.labels)
    }

    fn new(
        args: &AttackArgs,
        file: &[u8],
        options: ClassifierOptions,
        model_digest: Digest,
        data_digest: Digest,
    ) -> anyhow::Result<Self> {
        let mut options = options;
        let classifier = |options: &ClassifierOptions| -> anyhow::Result<Classifier> {
            Ok(Classifier::new(load(file, &LoadOptions::default())?, options.clone())?)
        };
        let mut model = classifier(&options)?;
        if sums_to_one(&model)? {
            options.kind = OutputKind::Probabilities;
            model = classifier(&options)?;
        }
        let classifier = model;
        let (gradients, without_gradients) = if args.black_box {
            (None, Some("--black-box was asked for".to_owned()))
        } else {
            match DifferentiableClassifier::new(file, options.clone(), &LoadOptions::default()) {
                Ok(own) => (Some(own), None),
                Err(error) => (None, Some(error.to_string())),
            }
        };
        Ok(Self {
            model_digest,
            data_digest,
            rows: Vec::new(),
            labels: Vec::new(),
            norm: args.norm.map_or(Norm::Linf, norm),
            radii: args.eps.clone(),
            bounds: args.bounds.unwrap_or(BoxArg { low: 0.0, high: 1.0 }),
            grid: args.grid,
            without_gradients,
            classifier,
            gradients,
        })
    }

    fn with(self, rows: Vec<f32>, labels: Vec<usize>) -> anyhow::Result<Self> {
        ensure!(!labels.is_empty(), "there are no rows to attack");
        Ok(Self { rows, labels, ..self })
    }
}

/// Whether what the model returns are probabilities: files do not say.
fn sums_to_one(model: &Classifier) -> anyhow::Result<bool> {
    let mut scores = Vec::new();
    let probe: Vec<f32> = (0..2 * model.features()).map(|i| (i % 7) as f32 / 7.0).collect();
    model.scores(&probe, 2, &mut scores)?;
    let is_distribution = |row: &[f32]| {
        row.iter().all(|p| (0.0..=1.0).contains(p)) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-4
    };
    Ok(scores.chunks_exact(model.classes()).all(is_distribution))
}

const fn of_system(norm: system::Norm) -> Norm {
    match norm {
        system::Norm::L2 => Norm::L2,
        _ => Norm::Linf,
    }
}
