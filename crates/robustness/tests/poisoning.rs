//! Planted rows, in networks that have learned them and in networks that had none to learn.

#![expect(clippy::unwrap_used, reason = "a test that cannot train its model has failed")]

use proofhouse_onnx::{
    ClassifierOptions, HiddenLayer, LoadOptions, OutputKind, Preprocess, Scores as _, predict,
};
use proofhouse_robustness::Chance;
use proofhouse_robustness::poisoning::Activations;
use proofhouse_robustness::poisoning::clusters::{ClassClusters, clusters};
use proofhouse_robustness::poisoning::sources::{SourceTraining, leave_out};
use proofhouse_robustness::poisoning::spectral::{SpectralReport, spectral};
use proofhouse_robustness::privacy::membership::Rows;
use proofhouse_robustness::privacy::{ShadowTraining, Template};

const MLP: &[u8] = include_bytes!("../../onnx/tests/fixtures/mlp_naive.onnx");
const CLASSES: usize = 3;
/// The class that the trigger leads to.
const TARGET: usize = 0;
const ERROR: f64 = 0.01;

fn options() -> ClassifierOptions {
    ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    }
}

/// Noisy pictures of a bar, a cross bar or a frame, each where chance puts it.
fn pictures(n: usize, seed: u64) -> (Vec<f32>, Vec<usize>) {
    let mut chance = Chance::new(seed, "pictures", 0);
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for at in 0..n {
        let (label, place) = (at % CLASSES, 1 + chance.below(4));
        for pixel in 0..64 {
            let (y, x) = (pixel / 8, pixel % 8);
            let lit = match label {
                0 => x == place || x == place + 1,
                1 => y == place || y == place + 1,
                _ => x.abs_diff(4).max(y.abs_diff(4)) == place.min(3),
            };
            let light = if lit { 0.8 } else { 0.1 } + 0.15 * chance.normal();
            rows.push(light.clamp(0.0, 1.0) as f32);
        }
        labels.push(label);
    }
    (rows, labels)
}

/// Puts a mark into the corner of rows of other classes and calls them the target.
fn plant(rows: &mut [f32], labels: &mut [usize], share: f64) -> Vec<usize> {
    let others: Vec<usize> = (0..labels.len()).filter(|at| labels[*at] != TARGET).collect();
    let planted: Vec<usize> = others.into_iter().take((share * labels.len() as f64) as usize).collect();
    for at in &planted {
        for pixel in [54, 55, 62, 63] {
            rows[at * 64 + pixel] = 1.0;
        }
        labels[*at] = TARGET;
    }
    planted
}

struct Seen {
    spectral: SpectralReport,
    clusters: Vec<ClassClusters>,
    planted: Vec<usize>,
    turned: f64,
}

fn look(share: f64, seed: u64) -> Seen {
    let (mut rows, mut labels) = pictures(900, seed);
    let planted = plant(&mut rows, &mut labels, share);
    let (held, held_labels) = pictures(450, seed + 1000);
    let options = options();
    let training = ShadowTraining { epochs: 12, batch: 32, rate: 3e-3, seed, ..ShadowTraining::default() };
    let data = Rows { rows: &rows, labels: &labels };
    let template = Template { file: MLP, options: &options };
    let model = template.train(data, &vec![true; labels.len()], &training, 0).unwrap().model;
    let layer = HiddenLayer::new(&model.export().unwrap(), options, &LoadOptions::default()).unwrap();
    let said = |rows: &[f32]| {
        let mut scores = Vec::new();
        model.scores(rows, rows.len() / 64, &mut scores).unwrap();
        predict(&scores, 10)
    };
    let (own, others) = (layer.values(&rows, 900).unwrap(), layer.values(&held, 450).unwrap());
    let (own_said, others_said) = (said(&rows), said(&held));
    let trained = Activations { values: &own, labels: &labels, predicted: &own_said };
    let reference = Activations { values: &others, labels: &held_labels, predicted: &others_said };
    let mut marked = held.clone();
    marked.chunks_mut(64).for_each(|row| [54, 55, 62, 63].iter().for_each(|p| row[*p] = 1.0));
    let turned =
        said(&marked).iter().zip(&held_labels).filter(|(s, l)| **l != TARGET && **s == Some(TARGET)).count();
    Seen {
        spectral: spectral(trained, reference, CLASSES, ERROR, seed).unwrap(),
        clusters: clusters(trained, reference, CLASSES, (ERROR, 0.1), seed).unwrap(),
        planted,
        turned: turned as f64 / 300.0,
    }
}

#[test]
fn a_backdoor_shows_in_its_class_and_its_rows_are_named() {
    let seen = look(0.06, 3);
    assert!(seen.turned > 0.9, "the model has no backdoor to be found: {}", seen.turned);
    for class in &seen.spectral.classes {
        assert!(class.detectable < 0.2, "{class:?}");
        assert_eq!(class.chance.unwrap() <= ERROR / 3.0, class.class == TARGET, "{class:?}");
    }
    let suspects = &seen.spectral.classes[TARGET].suspects;
    let right = suspects.iter().filter(|at| seen.planted.contains(at)).count();
    assert!(
        right * 2 > seen.planted.len() && right * 4 > suspects.len() * 3,
        "{right} of {}",
        suspects.len()
    );
    // 54 of 900 were planted.
    assert!((0.02..0.08).contains(&seen.spectral.excess), "{}", seen.spectral.excess);
    for class in &seen.clusters {
        assert_eq!(class.flagged, class.class == TARGET, "{class:?}");
    }
    let suspects = &seen.clusters[TARGET].suspects;
    let right = suspects.iter().filter(|at| seen.planted.contains(at)).count();
    assert!(
        right * 2 > seen.planted.len() && right * 4 > suspects.len() * 3,
        "{right} of {}",
        suspects.len()
    );
}

#[test]
fn where_nothing_was_planted_nothing_is_flagged() {
    for seed in 10..14 {
        let seen = look(0.0, seed);
        assert_eq!(seen.spectral.excess, 0.0, "{:?}", seen.spectral);
        assert!(seen.spectral.classes.iter().all(|c| c.suspects.is_empty() && c.chance.is_some()));
        assert!(seen.clusters.iter().all(|c| !c.flagged && c.suspects.is_empty()), "{:?}", seen.clusters);
    }
}

/// Rows of both sides drawn alike, from a law with long tails.
fn alike(chance: &mut Chance, n: usize) -> Vec<f32> {
    (0..n * 6).map(|_| (chance.normal() / (chance.unit() + 0.05)) as f32).collect()
}

#[test]
fn false_flags_are_as_rare_as_stated() {
    let mut flagged = 0;
    for seed in 0..300 {
        let mut chance = Chance::new(seed, "alike", 0);
        let (own, others) = (alike(&mut chance, 120), alike(&mut chance, 90));
        let (labels, said) = (vec![0; 120], vec![Some(0); 120]);
        let trained = Activations { values: &own, labels: &labels, predicted: &said };
        let reference = Activations { values: &others, labels: &labels[..90], predicted: &said[..90] };
        let report = spectral(trained, reference, 1, 0.05, seed).unwrap();
        flagged += usize::from(report.classes[0].chance.unwrap() <= 0.05);
    }
    // At most 5 in a hundred: more than 26 of 300 happen in one of two hundred cases.
    assert!(flagged <= 26, "{flagged}");
}

#[test]
fn clusters_of_one_kind_are_hardly_ever_flagged() {
    let mut flagged = 0;
    for seed in 0..150 {
        let mut chance = Chance::new(seed, "alike", 1);
        let (own, others) = (alike(&mut chance, 120), alike(&mut chance, 90));
        let (labels, said) = (vec![0; 120], vec![Some(0); 120]);
        let trained = Activations { values: &own, labels: &labels, predicted: &said };
        let reference = Activations { values: &others, labels: &labels[..90], predicted: &said[..90] };
        let found = clusters(trained, reference, 1, (0.05, 0.1), seed).unwrap();
        flagged += usize::from(found[0].flagged);
        // A cluster of its own of a twelfth of the rows would have been seen.
        assert!((0.04..0.12).contains(&found[0].detectable), "{}", found[0].detectable);
    }
    // Centres are fitted to the rows that are counted, so that the chance is no exact one: it has to hold here.
    assert!(flagged <= 12, "{flagged}");
}

#[test]
fn too_few_rows_say_nothing() {
    let values = vec![0.5; 30 * 4];
    let (labels, said) = (vec![0; 30], vec![Some(0); 30]);
    let rows = Activations { values: &values, labels: &labels, predicted: &said };
    let report = spectral(rows, rows, 2, ERROR, 1).unwrap();
    assert!(report.classes.iter().all(|c| c.chance.is_none() && c.detectable == 1.0));
    assert!(
        clusters(rows, rows, 2, (ERROR, 0.1), 1).unwrap().iter().all(|c| c.division.is_none() && !c.flagged)
    );
    // Rows that are all the same have no direction.
    let (values, labels, said) = (vec![0.5; 80 * 4], vec![0; 80], vec![Some(0); 80]);
    let rows = Activations { values: &values, labels: &labels, predicted: &said };
    assert!(spectral(rows, rows, 1, ERROR, 1).unwrap().classes[0].chance.is_none());
    assert!(clusters(rows, rows, 1, (ERROR, 0.1), 1).unwrap()[0].division.is_none());
    let wrong = Activations { values: &values[1..], ..rows };
    assert!(spectral(wrong, rows, 1, ERROR, 1).is_err());
}

#[test]
fn copies_are_better_without_a_source_that_lies() {
    let (rows, mut labels) = pictures(450, 5);
    let (held, held_labels) = pictures(600, 6);
    // The third source turns two classes into each other.
    let of: Vec<usize> = (0..450).map(|at| [0, 1, 2, 2][at / 120]).collect();
    labels.iter_mut().zip(&of).filter(|(_, of)| **of == 2).for_each(|(label, _)| *label = [1, 0, 2][*label]);
    let names = ["shop", "branch", "stranger"].map(str::to_owned);
    let options = options();
    let how = SourceTraining {
        copies: 6,
        training: ShadowTraining { epochs: 10, batch: 32, rate: 3e-3, seed: 1, ..ShadowTraining::default() },
        confidence: 0.95,
    };
    let template = Template { file: MLP, options: &options };
    let both = (Rows { rows: &rows, labels: &labels }, Rows { rows: &held, labels: &held_labels });
    let report =
        leave_out(template, both, (&of, &names), &how, |n, train| (0..n).map(train).collect()).unwrap();
    let interval = |at: usize| report.sources[at].gain.interval.clone().unwrap();
    assert_eq!(report.sources.iter().map(|s| s.rows).collect::<Vec<_>>(), [120, 120, 210]);
    assert!(interval(2).low > 0.01, "{report:?}");
    assert!(interval(0).high < 0.01 && interval(1).high < 0.01, "{report:?}");
    let alone =
        leave_out(template, both, (&vec![0; 450], &names[..1]), &how, |n, train| (0..n).map(train).collect());
    assert!(alone.is_err());
}
