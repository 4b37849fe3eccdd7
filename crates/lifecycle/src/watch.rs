//! The drift monitor of a system: the frozen reference, its budget, and windows of live rows.
//!
//! Besides the features, the predicted class is watched as a category: a change that no single feature
//! shows can still move what the model answers.

use proofhouse_drift::{AlarmBudget, EffectFloor, Look, Monitor, Profile, Sample, Values, Window};
use proofhouse_onnx::{Scores as _, predict};

use crate::data::{Datasets, LoadedDataset};
use crate::model::ModelUnderTest;
use crate::{LifecycleError, Project};

/// The name of the column of predicted classes.
pub const PREDICTED: &str = "predicted class";

/// Budget and cadence where the system file states none: one false alarm a year, a look an hour.
const DEFAULT_ALARMS_PER_YEAR: f64 = 1.0;
const DEFAULT_LOOKS_PER_DAY: f64 = 24.0;
const DEFAULT_WINDOW_ROWS: u64 = 500;

/// Rows in the scale of the model, with the class the model gave each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Features, row by row.
    pub features: Vec<f32>,
    /// Predicted class of each row; absent where the model gave none.
    pub predicted: Vec<Option<usize>>,
}

impl Rows {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.predicted.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.predicted.is_empty()
    }

    /// Adds a row.
    pub fn push(&mut self, features: &[f32], predicted: Option<usize>) {
        self.features.extend_from_slice(features);
        self.predicted.push(predicted);
    }
}

/// A monitor with everything that is needed to feed it.
pub struct Watch {
    monitor: Monitor,
    /// Feature columns that are watched: name and place among the model's features.
    columns: Vec<(String, usize)>,
    features: usize,
    classes: Vec<String>,
    window_rows: usize,
}

impl Watch {
    /// Freezes the reference that the system file names.
    pub fn new(
        project: &Project,
        model: &ModelUnderTest,
        datasets: &Datasets,
    ) -> Result<Self, LifecycleError> {
        let reference = reference(project, datasets)?;
        let rows = reference.features()?;
        let classifier = model.classifier()?;
        let count = rows.len() / classifier.features().max(1);
        let mut scores = Vec::new();
        classifier.scores(rows, count, &mut scores)?;
        let rows = Rows { features: rows.to_vec(), predicted: predict(&scores, classifier.classes()) };
        Self::frozen_on(project, model, reference.feature_names(), &rows)
    }

    /// Freezes the given rows.
    pub(crate) fn frozen_on(
        project: &Project,
        model: &ModelUnderTest,
        names: &[String],
        rows: &Rows,
    ) -> Result<Self, LifecycleError> {
        let check = project.system.checks.drift.as_ref();
        let watched = check.and_then(|c| c.columns.clone()).unwrap_or_else(|| names.to_vec());
        let columns = watched
            .into_iter()
            .map(|name| match names.iter().position(|n| *n == name) {
                Some(place) => Ok((name, place)),
                None => Err(LifecycleError::Order(format!(
                    "checks.drift.columns names {name}, which is no feature of the reference"
                ))),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let (features, classes) = (names.len(), model.tensors()?.classes.to_vec());
        let table = Columns::of(rows, &columns, features, &classes);
        let profile = Profile::freeze(&table.samples(&columns))?;
        let budget = budget(project)?;
        let window = check.map_or(DEFAULT_WINDOW_ROWS, |c| u64::from(c.window.get()));
        let monitor = Monitor::new(profile, budget, EffectFloor::default());
        Ok(Self {
            monitor,
            columns,
            features,
            classes,
            window_rows: usize::try_from(window).unwrap_or(usize::MAX),
        })
    }

    /// Rows in one look.
    #[must_use]
    pub fn window_rows(&self) -> usize {
        self.window_rows
    }

    /// The monitor.
    #[must_use]
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// The values of a watched feature, row by row.
    pub(crate) fn values(&self, rows: &Rows, column: &str) -> Option<Vec<f64>> {
        let place = self.columns.iter().find(|(name, _)| name == column)?.1;
        Some(rows.features.chunks_exact(self.features.max(1)).map(|row| f64::from(row[place])).collect())
    }

    /// Compares rows with the reference.
    pub fn look(&self, rows: &Rows) -> Result<(Window, Look), LifecycleError> {
        let table = Columns::of(rows, &self.columns, self.features, &self.classes);
        let mut window = Window::new(self.monitor.profile());
        window.add(self.monitor.profile(), &table.samples(&self.columns))?;
        let look = self.monitor.look(&window)?;
        Ok((window, look))
    }
}

/// How many false alarms the system file bears, at how many looks.
pub(crate) fn budget(project: &Project) -> Result<AlarmBudget, LifecycleError> {
    let looks = project.system.checks.drift.as_ref().map(|c| c.looks_per_day.get());
    Ok(AlarmBudget::new(
        project.system.false_alarms_per_year().unwrap_or(DEFAULT_ALARMS_PER_YEAR),
        looks.unwrap_or(DEFAULT_LOOKS_PER_DAY),
    )?)
}

/// The dataset that traffic is compared with: the one named, a reference set, or the training set.
pub(crate) fn reference<'a>(
    project: &Project,
    datasets: &'a Datasets,
) -> Result<&'a LoadedDataset, LifecycleError> {
    use proofhouse_system::DatasetRole::{Reference, Train};
    match &project.system.checks.drift {
        Some(check) => datasets.get(&check.reference),
        None => datasets
            .with_role(Reference)
            .chain(datasets.with_role(Train))
            .next()
            .ok_or_else(|| LifecycleError::NoDataset("with role reference or train".to_owned())),
    }
}

/// Rows turned into columns, as the drift engine takes them.
struct Columns {
    numbers: Vec<Vec<f64>>,
    predicted: Vec<Option<String>>,
}

impl Columns {
    fn of(rows: &Rows, columns: &[(String, usize)], features: usize, classes: &[String]) -> Self {
        let column = |place: usize| {
            rows.features.chunks_exact(features.max(1)).map(|row| f64::from(row[place])).collect()
        };
        Self {
            numbers: columns.iter().map(|(_, place)| column(*place)).collect(),
            predicted: rows.predicted.iter().map(|c| c.and_then(|c| classes.get(c).cloned())).collect(),
        }
    }

    fn samples<'a>(&'a self, columns: &'a [(String, usize)]) -> Vec<Sample<'a>> {
        let numbers = columns.iter().zip(&self.numbers);
        numbers
            .map(|((name, _), values)| Sample { name, values: Values::Numbers(values) })
            .chain([Sample { name: PREDICTED, values: Values::Categories(&self.predicted) }])
            .collect()
    }
}
