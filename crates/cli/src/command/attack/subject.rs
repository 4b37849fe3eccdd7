//! What is attacked: a model with rows.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use proofhouse_core::{Digest, Measurement};
use proofhouse_lifecycle::{ModelUnderTest, Project, data::Datasets};
use proofhouse_onnx::graph::Graph;
use proofhouse_onnx::{
    Classifier, ClassifierOptions, DifferentiableClassifier, LabelClassifier, LabelsOf, LoadOptions,
    OutputKind, Scores, load,
};
use proofhouse_robustness::{Access, Bounds, LabelledRows, Norm, Victim};
use proofhouse_system as system;

use super::remote::{Remote, WITHOUT_GRADIENTS};
use super::rows::{Archive, Rows, Use, how_used};
use crate::args::attack::{BoxArg, EvasionArgs, SubjectArgs};
use crate::args::engine::EngineArg;
use crate::engine::Engines;

/// A model with rows.
pub struct Subject {
    /// What people call the model.
    pub name: String,
    pub model_digest: Digest,
    pub data_digest: Digest,
    pub rows: Vec<f32>,
    pub labels: Vec<usize>,
    pub bounds: BoxArg,
    /// Names of the classes and of the features, where they have any.
    pub classes: Vec<String>,
    pub features: Vec<String>,
    /// What the system file says of attackers, where there is one.
    pub described: Option<Described>,
    /// Why there are no gradients.
    pub without_gradients: Option<String>,
    pub options: ClassifierOptions,
    pub file: Vec<u8>,
    access: Access,
    model: Asked,
    gradients: Option<DifferentiableClassifier>,
    /// The model in the house's own engine, where another one runs it.
    second: Option<Classifier>,
    /// What runs the model.
    runs: &'static str,
}

/// What the house's own engine is called where it gives a second opinion.
const OWN: &str = "own engine";

/// What answers.
enum Asked {
    Loaded(Box<dyn Scores>),
    Remote(Box<Remote>),
}

/// What a system file says of attackers.
pub struct Described {
    pub norm: Norm,
    pub eps: f64,
    pub grid: Option<f64>,
    pub project: Project,
}

impl Subject {
    pub fn open(args: &SubjectArgs) -> anyhow::Result<Self> {
        match (&args.project, &args.model, &args.data) {
            (Some(project), ..) => Self::of_project(args, project),
            (None, Some(model), Some(data)) => Self::of_files(args, model, data),
            _ => bail!("nothing to attack; give a project, or --model and --data"),
        }
    }

    /// A model that can only be asked.
    pub fn of_remote(args: &EvasionArgs) -> anyhow::Result<Self> {
        let data = args.subject.data.as_ref().context("give rows with --data")?;
        ensure!(
            args.subject.engine.engine == EngineArg::Own,
            "the model runs somewhere else, so that --engine has nothing to say about it"
        );
        let archive = Archive::read(data)?;
        let x = archive.rows_for(args.remote.input_tensor.as_deref());
        let rows = archive.rows(x, args.subject.rows).with_context(|| {
            format!(
                "rows to attack are the array {x}; those for one of several inputs may have its name, which \
                     --input-tensor gives"
            )
        })?;
        let remote = Remote::open(args, &rows, (&archive, x))?;
        let access = if args.subject.labels_only { Access::Labels } else { remote.access() };
        let (name, options) = (remote.name(), remote.options());
        Ok(Self {
            // Of its address, for nobody here sees more of it; reports leave it out.
            model_digest: Digest::of(name.as_bytes()),
            name,
            data_digest: rows.digest,
            rows: rows.values,
            labels: rows.labels,
            bounds: args.subject.bounds.unwrap_or(BoxArg { low: 0.0, high: 1.0 }),
            classes: Vec::new(),
            features: Vec::new(),
            described: None,
            without_gradients: Some(WITHOUT_GRADIENTS.to_owned()),
            options,
            file: Vec::new(),
            access,
            model: Asked::Remote(Box::new(remote)),
            gradients: None,
            second: None,
            runs: "the model where it is",
        })
    }

    /// The model, where it can only be asked.
    pub fn remote(&self) -> Option<&Remote> {
        match &self.model {
            Asked::Loaded(_) => None,
            Asked::Remote(remote) => Some(remote),
        }
    }

    /// The model as attacks see it.
    pub fn victim(&self) -> Victim<'_> {
        let victim = match &self.gradients {
            // Two ways of computing the same model: what one calls a counterexample the other has to confirm.
            Some(own) => Victim::white_box(self.model(), own).confirmed_by("differentiable graph", own),
            None => Victim::black_box(self.model()),
        };
        // A runtime that shares no code with the first sees more than another graph in the same one.
        self.second.as_ref().map_or(victim, |second| victim.confirmed_by(OWN, second))
    }

    /// The model whose answers count.
    pub fn model(&self) -> &dyn Scores {
        match &self.model {
            Asked::Loaded(model) => model.as_ref(),
            Asked::Remote(remote) => &remote.model,
        }
    }

    /// What an attacker sees of it.
    pub fn access(&self) -> Access {
        if self.gradients.is_some() { Access::Gradients } else { self.access }
    }

    /// Its rows with their classes.
    pub fn data(&self) -> LabelledRows<'_> {
        LabelledRows::new(&self.rows, &self.labels)
    }

    pub fn everywhere(&self) -> Bounds {
        Bounds::Everywhere { low: self.bounds.low, high: self.bounds.high }
    }

    pub fn graph(&self) -> anyhow::Result<Graph> {
        Ok(Graph::read(&self.file)?)
    }

    /// Share of rows that are right without an attack.
    pub fn accuracy(&self) -> anyhow::Result<Measurement> {
        Ok(proofhouse_onnx::evaluate(self.model(), &self.rows, &self.labels, 0.95)?.accuracy)
    }

    /// What a class is called.
    pub fn class(&self, index: usize) -> String {
        self.classes.get(index).cloned().unwrap_or_else(|| index.to_string())
    }

    pub fn engines(&self) -> Vec<String> {
        let graph = self.gradients.as_ref().map(|_| "differentiable graph");
        let own = self.second.as_ref().map(|_| OWN);
        [Some(self.runs), graph, own].into_iter().flatten().map(str::to_owned).collect()
    }

    fn of_project(args: &SubjectArgs, project: &Path) -> anyhow::Result<Self> {
        let project = Project::load(project)?;
        let (datasets, model) = (Datasets::load(&project)?, ModelUnderTest::load(&project)?);
        let check = project.system.checks.evasion.as_ref();
        let data = datasets.judged_by(check.map(|c| &c.dataset))?;
        let tensors = model.tensors()?;
        let features = tensors.input.len();
        let stated = check.map(|c| usize::try_from(c.samples.get()).unwrap_or(usize::MAX));
        let count = args.rows.or(stated).unwrap_or(usize::MAX).min(data.labels()?.len());
        let options = model.classifier()?.options().clone();
        let bounds = check.map(|c| BoxArg { low: c.bounds.low as f32, high: c.bounds.high as f32 });
        let rows = Rows {
            digest: data.digest(),
            shape: options.input_shape.clone(),
            values: data.features()?.iter().take(count * features).copied().collect(),
            labels: data.labels()?.iter().take(count).copied().collect(),
        };
        let name = model.spec().id.to_string();
        let used = Use { options, labels_only: false };
        let (digest, classes, names) =
            (model.digest(), tensors.classes.to_vec(), data.feature_names().to_vec());
        let (norm, eps) = check.map_or((Norm::Linf, 0.0), |c| (of_system(c.norm), c.eps.get()));
        let grid = data.grid();
        let subject = Self::new(args, name, model.graph()?.to_vec(), used, digest, rows)?;
        let bounds = args.bounds.or(bounds).unwrap_or(subject.bounds);
        let described = Some(Described { norm, eps, grid, project });
        Ok(Self { bounds, classes, features: names, described, ..subject })
    }

    fn of_files(args: &SubjectArgs, model: &Path, data: &Path) -> anyhow::Result<Self> {
        let file = std::fs::read(model).with_context(|| format!("cannot read {}", model.display()))?;
        let rows = Rows::read(data, args.rows)?;
        let used = how_used(&Engines::of(&args.engine)?, &file, &rows, args.scale)
            .with_context(|| model.display().to_string())?;
        let name = model.file_name().map_or_else(|| "model".into(), |n| n.to_string_lossy().into_owned());
        let digest = Digest::of(&file);
        Self::new(args, name, file, used, digest, rows)
    }

    fn new(
        args: &SubjectArgs,
        name: String,
        file: Vec<u8>,
        used: Use,
        model_digest: Digest,
        rows: Rows,
    ) -> anyhow::Result<Self> {
        ensure!(!rows.labels.is_empty(), "there are no rows to attack");
        let mut options = used.options;
        let engines = Engines::of(&args.engine)?;
        let engine = || engines.load(&file);
        let (model, access, why): (Box<dyn Scores>, _, _) = if used.labels_only {
            let labels = LabelClassifier::new(engine()?, options.clone())?;
            (Box::new(labels), Access::Labels, Some("the model answers with a label only".to_owned()))
        } else {
            let mut model = Classifier::new(engine()?, options.clone())?;
            if sums_to_one(&model, &rows.values)? {
                options.kind = OutputKind::Probabilities;
                model = Classifier::new(engine()?, options.clone())?;
            }
            if args.labels_only {
                let why = "--labels-only was asked for".to_owned();
                (Box::new(LabelsOf(model)), Access::Labels, Some(why))
            } else {
                let why = args.black_box.then(|| "--black-box was asked for".to_owned());
                (Box::new(model), Access::Scores, why)
            }
        };
        let (gradients, without_gradients) = match why {
            Some(why) => (None, Some(why)),
            None if is_trees(&file) => (
                None,
                Some("trees have none, and need none where their exact distances are known".to_owned()),
            ),
            None => match engines.differentiable(&file, options.clone()) {
                Ok(own) => (Some(own), None),
                Err(error) => (None, Some(error.to_string())),
            },
        };
        // Where the own engine cannot load the model, it has no opinion.
        let own = || Classifier::new(load(&file, &LoadOptions::default())?, options.clone());
        let second = if engines.is_foreign() && !used.labels_only { own().ok() } else { None };
        Ok(Self {
            name,
            model_digest,
            data_digest: rows.digest,
            rows: rows.values,
            labels: rows.labels,
            bounds: args.bounds.unwrap_or(BoxArg { low: 0.0, high: 1.0 }),
            classes: Vec::new(),
            features: Vec::new(),
            described: None,
            without_gradients,
            options,
            file,
            access,
            model: Asked::Loaded(model),
            gradients,
            second,
            runs: engines.name(),
        })
    }
}

fn is_trees(file: &[u8]) -> bool {
    Graph::read(file).is_ok_and(|graph| {
        graph.nodes.iter().any(|n| n.domain == "ai.onnx.ml" && n.operator.starts_with("TreeEnsemble"))
    })
}

/// Whether what the model returns are probabilities: files do not say.
fn sums_to_one(model: &Classifier, rows: &[f32]) -> anyhow::Result<bool> {
    let mut scores = Vec::new();
    let probe: Vec<f32> = rows.iter().take(16 * model.features()).copied().collect();
    model.scores(&probe, probe.len() / model.features().max(1), &mut scores)?;
    let is_distribution = |row: &[f32]| {
        row.iter().all(|p| (0.0..=1.0).contains(p)) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-4
    };
    Ok(!scores.is_empty() && scores.chunks_exact(model.classes()).all(is_distribution))
}

const fn of_system(norm: system::Norm) -> Norm {
    match norm {
        system::Norm::L2 => Norm::L2,
        _ => Norm::Linf,
    }
}
