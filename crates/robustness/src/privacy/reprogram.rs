//! Can the model be made to do somebody else's work? (Elsayed, Goodfellow, Sohl-Dickstein, *Adversarial Reprogramming of
//! Neural Networks*, ICLR 2019.)
//!
//! The work is to count: a few cells of an input are lit, and the answer is how many groups of them are. Everything else of
//! the input is a *program*, the same for every question, that is sought so that the model's own classes say the number:
//! each number is given the class that questions are answered with most often as it is. What
//! counts is how often they do on questions that had no part in the search, and how often they did before there was a
//! program. Whether free work of that kind is a loss, only the operator can say.

use proofhouse_core::Measurement;
use proofhouse_onnx::{Gradients, predict};
use serde::{Deserialize, Serialize};

use super::inversion::softmax;
use crate::geometry::Geometry;
use crate::{Chance, RobustnessError, clopper_pearson};

/// Most numbers that are told apart.
const MOST_NUMBERS: usize = 4;
/// Most cells that a question lights.
const MOST_CELLS: usize = 16;
/// Steps and questions at most.
const MOST: usize = 1_000_000;
/// Questions that the model is given at a time.
const AT_A_TIME: usize = 256;
/// Questions by which classes are given to numbers.
const FIRST_QUESTIONS: usize = 500;

/// How to search for a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reprogramming {
    /// Steps of the search.
    pub steps: usize,
    /// Questions of a step.
    pub batch: usize,
    /// Step of Adam, on what a sigmoid brings into the box.
    pub rate: f64,
    /// Questions that judge, none of which was searched with.
    pub questions: usize,
    /// Smallest and largest value of a feature.
    pub bounds: (f32, f32),
    /// Confidence of the two-sided intervals.
    pub confidence: f64,
    /// Seed of questions and program.
    pub seed: u64,
}

impl Default for Reprogramming {
    fn default() -> Self {
        Self {
            steps: 300,
            batch: 32,
            rate: 0.1,
            questions: 1000,
            bounds: (0.0, 1.0),
            confidence: 0.95,
            seed: 0,
        }
    }
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReprogrammingReport {
    /// Everything it was run with.
    pub search: Reprogramming,
    /// Numbers that are told apart: guessing is right once in so many times.
    pub numbers: usize,
    /// The class that says each number.
    pub meaning: Vec<usize>,
    /// Cells that questions light, by their place in a row.
    pub cells: Vec<usize>,
    /// Share of questions answered rightly with the program.
    pub accuracy: Measurement,
    /// The same with a plain grey in the place of the program, and the classes that suit that best.
    pub before: Measurement,
    /// The program; cells hold the lower bound.
    pub program: Vec<f32>,
    /// Forward and backward passes.
    pub gradients: u64,
}

impl ReprogrammingReport {
    /// What guessing gets right.
    #[must_use]
    pub fn chance(&self) -> f64 {
        1.0 / self.numbers as f64
    }
}

/// Seeks a program.
///
/// # Errors
/// Options that make no sense; a model with fewer than two classes or too few features to hold a question.
pub fn reprogram(
    model: &dyn Gradients,
    search: &Reprogramming,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<ReprogrammingReport, RobustnessError> {
    let (low, high) = search.bounds;
    let numbers = model.classes().min(MOST_NUMBERS);
    let cells = cells(model.input_shape(), numbers);
    let (Some(cells), true) = (cells, numbers >= 2) else {
        return Err(RobustnessError::Option(
            "a question takes at least two classes, and a cell for each, to a fourth of the features"
                .to_owned(),
        ));
    };
    if search.steps.max(search.questions) > MOST {
        return Err(RobustnessError::Option(format!("a search has at most {MOST} steps and questions")));
    }
    if search.steps == 0
        || search.batch == 0
        || search.questions == 0
        || !(low.is_finite() && high.is_finite() && low < high)
    {
        return Err(RobustnessError::Option(
            "a search takes steps of at least a question, questions to judge by, and a box that holds something".to_owned(),
        ));
    }
    let task = Task { cells, numbers, bounds: search.bounds };
    let width = model.features();
    let grey = vec![f32::midpoint(low, high); width];
    let meaning = task.meaning(model, &grey, search.seed)?;
    let mut chance = Chance::new(search.seed, "program", 0);
    let mut values: Vec<f64> = (0..width).map(|_| 0.1 * chance.normal()).collect();
    let (mut first, mut second) = (vec![0.0; width], vec![0.0; width]);
    let (b1, b2) = (0.9f64, 0.999f64);
    let mut gradient = Vec::new();
    for step in 1..=search.steps {
        progress(step - 1, search.steps);
        let program = shown(&values, search.bounds);
        let (rows, answers) = task.ask(&program, search.batch, &mut chance);
        let classes = model.classes();
        let mut loss = |scores: &[f32], slope: &mut [f32]| {
            let rows = scores.chunks_exact(classes).zip(slope.chunks_exact_mut(classes)).zip(&answers);
            for ((scores, slope), answer) in rows {
                let wanted = meaning[*answer];
                for (class, (p, d)) in softmax(scores).into_iter().zip(slope).enumerate() {
                    *d = ((p - f64::from(u8::from(class == wanted))) / answers.len() as f64) as f32;
                }
            }
        };
        model.pull_back(&rows, answers.len(), &mut loss, &mut gradient)?;
        let mut slope = vec![0.0; width];
        for row in gradient.chunks_exact(width) {
            slope.iter_mut().zip(row).for_each(|(s, g)| *s += f64::from(*g));
        }
        for (at, value) in values.iter_mut().enumerate() {
            let s = sigmoid(*value);
            let g = slope[at] * (f64::from(high) - f64::from(low)) * s * (1.0 - s);
            if task.cells.contains(&at) || !g.is_finite() {
                continue;
            }
            first[at] = b1 * first[at] + (1.0 - b1) * g;
            second[at] = b2 * second[at] + (1.0 - b2) * g * g;
            let (m, v) =
                (first[at] / (1.0 - b1.powi(step as i32)), second[at] / (1.0 - b2.powi(step as i32)));
            *value = (*value - search.rate * m / (v.sqrt() + 1e-8)).clamp(-12.0, 12.0);
        }
    }
    progress(search.steps, search.steps);
    let program = shown(&values, search.bounds);
    let learned = task.meaning(model, &program, search.seed)?;
    let judge = |name: &str, program: &[f32], meaning: &[usize]| -> Result<Measurement, RobustnessError> {
        let mut chance = Chance::new(search.seed, "questions that judge", 0);
        let (mut right, mut left) = (0u64, search.questions);
        let mut scores = Vec::new();
        while left > 0 {
            let (rows, answers) = task.ask(program, left.min(AT_A_TIME), &mut chance);
            model.scores(&rows, answers.len(), &mut scores)?;
            let said = predict(&scores, model.classes());
            right +=
                said.iter().zip(&answers).filter(|(said, answer)| **said == Some(meaning[**answer])).count()
                    as u64;
            left -= answers.len();
        }
        let n = search.questions as u64;
        let mut measured = Measurement::proportion(name, right, n, search.confidence);
        measured.interval = Some(clopper_pearson(right, n, search.confidence));
        Ok(measured)
    };
    let accuracy = judge("reprogrammed-accuracy", &program, &learned)?;
    let before = judge("unprogrammed-accuracy", &grey, &meaning)?;
    let mut told = program;
    task.cells.iter().for_each(|cell| told[*cell] = low);
    let gradients = (search.steps * search.batch) as u64;
    Ok(ReprogrammingReport {
        search: search.clone(),
        numbers: task.numbers,
        meaning: learned,
        cells: task.cells,
        accuracy,
        before,
        program: told,
        gradients,
    })
}

/// The work.
struct Task {
    cells: Vec<usize>,
    numbers: usize,
    bounds: (f32, f32),
}

impl Task {
    /// Questions within a program, and their answers: with the answer `a`, `a + 1` groups of cells are lit, wherever chance
    /// puts them.
    fn ask(&self, program: &[f32], n: usize, chance: &mut Chance) -> (Vec<f32>, Vec<usize>) {
        let group = self.cells.len() / self.numbers;
        let (mut rows, mut answers) = (Vec::with_capacity(n * program.len()), Vec::with_capacity(n));
        let mut cells = self.cells.clone();
        for _ in 0..n {
            let answer = chance.below(self.numbers);
            let start = rows.len();
            rows.extend_from_slice(program);
            chance.shuffle(&mut cells);
            for (at, cell) in cells.iter().enumerate() {
                rows[start + cell] = if at < (answer + 1) * group { self.bounds.1 } else { self.bounds.0 };
            }
            answers.push(answer);
        }
        (rows, answers)
    }
}

impl Task {
    /// A class for each number, none twice: the pairs that come about most often first.
    fn meaning(
        &self,
        model: &dyn Gradients,
        program: &[f32],
        seed: u64,
    ) -> Result<Vec<usize>, RobustnessError> {
        let mut chance = Chance::new(seed, "first questions", 0);
        let (rows, answers) = self.ask(program, FIRST_QUESTIONS, &mut chance);
        let mut scores = Vec::new();
        model.scores(&rows, answers.len(), &mut scores)?;
        let classes = model.classes();
        let mut counts = vec![vec![0usize; classes]; self.numbers];
        for (said, answer) in predict(&scores, classes).into_iter().zip(answers) {
            said.into_iter().for_each(|class| counts[answer][class] += 1);
        }
        let mut pairs: Vec<(usize, usize)> =
            (0..self.numbers).flat_map(|n| (0..classes).map(move |class| (n, class))).collect();
        pairs.sort_by_key(|(n, class)| std::cmp::Reverse(counts[*n][*class]));
        let mut meaning = vec![usize::MAX; self.numbers];
        for (number, class) in pairs {
            if meaning[number] == usize::MAX && !meaning.contains(&class) {
                meaning[number] = class;
            }
        }
        Ok(meaning)
    }
}

/// Where questions stand: a square in the middle of an image's first channel, or the first features of a row; at most a
/// fourth of them, and as many for each number. None where there is no room.
fn cells(shape: &[usize], numbers: usize) -> Option<Vec<usize>> {
    let geometry = Geometry::of(shape);
    let room = (geometry.height * geometry.width / 4).min(MOST_CELLS);
    let wanted = room / numbers.max(1) * numbers;
    if wanted == 0 {
        return None;
    }
    if geometry.height == 1 {
        return Some((0..wanted).collect());
    }
    let side = (1..).find(|side| side * side >= wanted)?;
    let (high, wide) =
        (side.min(geometry.height), wanted.div_ceil(side.min(geometry.height)).min(geometry.width));
    let (top, left) = ((geometry.height - high) / 2, (geometry.width - wide) / 2);
    let cells = (0..high).flat_map(|y| (0..wide).map(move |x| (top + y) * geometry.width + left + x));
    let cells: Vec<usize> = cells.take(wanted).collect();
    (cells.len() == wanted).then_some(cells)
}

fn shown(values: &[f64], (low, high): (f32, f32)) -> Vec<f32> {
    let scale = |v: &f64| (f64::from(low) + (f64::from(high) - f64::from(low)) * sigmoid(*v)) as f32;
    values.iter().map(scale).collect()
}

fn sigmoid(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_light_as_many_cells_as_they_ask_for() {
        for (shape, numbers, first) in [(vec![1, 8, 8], 4, 18), (vec![30], 2, 0), (vec![3, 16, 12], 3, 76)] {
            let cells = cells(&shape, numbers).unwrap();
            assert_eq!((cells.len() % numbers, cells[0]), (0, first), "{shape:?}");
            let task = Task { cells, numbers, bounds: (0.0, 1.0) };
            let width = shape.iter().product();
            let (rows, answers) = task.ask(&vec![0.5; width], 50, &mut Chance::new(1, "", 0));
            for (row, answer) in rows.chunks(width).zip(answers) {
                let lit = task.cells.iter().filter(|cell| row[**cell] == 1.0).count();
                assert_eq!(lit, (answer + 1) * task.cells.len() / numbers);
                assert_eq!(row.iter().filter(|v| **v == 0.5).count(), width - task.cells.len());
            }
        }
        assert_eq!(cells(&[5], 2), None);
    }
}
