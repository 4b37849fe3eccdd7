//! Hardening a small digit classifier from its file alone. Few rows and epochs: what is shown is that the
//! attack leaves more rows after than before, and that an interrupted training ends in the same bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use proofhouse_core::Digest;
use proofhouse_onnx::{ClassifierOptions, LoadOptions, OutputKind, Preprocess, Scores as _, Trainable};
use proofhouse_robustness::harden::{
    Checkpoint, CheckpointError, Hardened, Method, Optimiser, Recipe, Schedule, Training,
};
use proofhouse_robustness::{LabelledRows, Norm, Threat};

const MLP: &[u8] = include_bytes!("../../onnx/tests/fixtures/mlp_naive.onnx");
const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");
const LEARN: usize = 128;
const JUDGE: usize = 40;

fn digits(from: usize, n: usize) -> (Vec<f32>, Vec<usize>) {
    let records = DIGITS.chunks_exact(65).skip(from).take(n);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect(), labels)
}

fn model() -> Trainable {
    let options = ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    };
    Trainable::new(MLP, options, &LoadOptions::default()).unwrap()
}

fn recipe(method: Method, epochs: usize) -> Recipe {
    Recipe {
        method,
        batch: 32,
        rate: 4e-3,
        schedule: Schedule::Cosine,
        judge_steps: 5,
        ..Recipe::new(Threat::new(Norm::Linf, 0.1), epochs, 3)
    }
}

/// Trains, and stops after `stop` epochs to go on from a checkpoint.
fn trained(recipe: &Recipe, stop: Option<usize>) -> Hardened {
    let ((rows, labels), (other, others)) = (digits(0, LEARN), digits(LEARN, JUDGE));
    let begin = || {
        let (learn, judge) = (LabelledRows::new(&rows, &labels), LabelledRows::new(&other, &others));
        Training::new(model(), Digest::of(MLP), learn, judge, recipe.clone()).unwrap()
    };
    let mut training = begin();
    while training.epoch(&mut |_, _| ()).unwrap().is_some() {
        if Some(training.epochs().len()) == stop {
            let kept = Checkpoint::from_bytes(&training.checkpoint().to_bytes()).unwrap();
            training = begin().resume(kept).unwrap();
        }
    }
    training.finish().unwrap()
}

#[test]
fn more_rows_stand_after_than_before() {
    let before = trained(&recipe(Method::Plain, 1), None).epochs[0].robust;
    for method in [Method::Pgd { steps: 3 }, Method::Trades { steps: 3, beta: 4.0 }, Method::Fast] {
        let hardened = trained(&recipe(method, 25), None);
        let best = hardened.epochs.iter().map(|e| e.robust).max().unwrap();
        assert!(best > before, "{method:?}: {best} of {JUDGE} after, {before} before");
        assert!(
            hardened.epochs.iter().all(|e| e.clean * 10 >= e.of * 6),
            "{method:?}: {:?}",
            hardened.epochs
        );
        let chosen = &hardened.epochs[hardened.chosen - 1];
        assert!(chosen.robust + 4 >= best, "{method:?}: {chosen:?}");
    }
}

#[test]
fn an_interrupted_training_ends_in_the_same_bytes() {
    for optimiser in [Optimiser::Adam, Optimiser::Sgd] {
        let recipe = Recipe { optimiser, rate: 2e-3, ..recipe(Method::Pgd { steps: 2 }, 3) };
        let (whole, parts) = (trained(&recipe, None), trained(&recipe, Some(2)));
        assert_eq!(whole.epochs, parts.epochs);
        assert_eq!(whole.model.export().unwrap(), parts.model.export().unwrap());
    }
}

#[test]
fn the_file_is_the_old_one_with_other_weights() {
    let hardened = trained(&recipe(Method::Noise, 1), None);
    let bytes = hardened.model.export().unwrap();
    assert_ne!(bytes, MLP);
    assert_eq!(bytes.len(), MLP.len());
    let options = ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    };
    let again = Trainable::new(&bytes, options, &LoadOptions::default()).unwrap();
    let (rows, _) = digits(0, 4);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    again.scores(&rows, 4, &mut a).unwrap();
    hardened.model.scores(&rows, 4, &mut b).unwrap();
    assert_eq!(a, b);
}

#[test]
fn patience_ends_a_training_that_gets_no_better() {
    let recipe = Recipe { patience: Some(2), rate: 1e-9, ..recipe(Method::Plain, 50) };
    assert_eq!(trained(&recipe, None).epochs.len(), 3);
}

#[test]
fn what_cannot_be_trained_with_is_refused() {
    let ((rows, labels), (other, others)) = (digits(0, LEARN), digits(LEARN, JUDGE));
    let (learn, judge) = (LabelledRows::new(&rows, &labels), LabelledRows::new(&other, &others));
    let begin = |digest, recipe: &Recipe| {
        Training::new(model(), digest, learn.clone(), judge.clone(), recipe.clone())
    };
    let plain = recipe(Method::Plain, 1);
    let training = begin(Digest::of(MLP), &plain).unwrap();
    let kept = training.checkpoint();
    let elsewhere = begin(Digest::of(b"another"), &plain).unwrap().resume(kept.clone());
    assert_eq!(elsewhere.unwrap_err(), CheckpointError::Other("model"));
    let otherwise = Recipe { seed: 4, ..plain.clone() };
    let resumed = begin(Digest::of(MLP), &otherwise).unwrap().resume(kept.clone());
    assert_eq!(resumed.unwrap_err(), CheckpointError::Other("recipe"));
    let mut bytes = kept.to_bytes();
    assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), kept);
    bytes[40] ^= 1;
    assert!(matches!(Checkpoint::from_bytes(&bytes), Err(CheckpointError::Broken(_))));
    assert!(Checkpoint::from_bytes(b"short").is_err());
    let wild = Recipe { rate: 1e30, ..plain };
    let mut diverging = begin(Digest::of(MLP), &wild).unwrap();
    let error = loop {
        match diverging.epoch(&mut |_, _| ()) {
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    assert!(error.is_none_or(|e| e.contains("diverged")));
    let large = Recipe { batch: 500, ..otherwise };
    assert!(begin(Digest::of(MLP), &large).unwrap_err().to_string().contains("too few"));
}
