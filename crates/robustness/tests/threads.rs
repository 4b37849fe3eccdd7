//! The same bytes on any number of threads: attacks, hardening, certificates and what is asked about privacy.
//!
//! Models run on as many threads as [`LoadOptions`] say, and batches are cut into parts for them. What a row is
//! answered, and in what order derivatives are summed over rows, must not depend on it.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

mod support;

use proofhouse_core::Digest;
use proofhouse_onnx::graph::Graph;
use proofhouse_onnx::{
    Classifier, ClassifierOptions, DifferentiableClassifier, LoadOptions, OutputKind, Preprocess, Trainable,
    load,
};
use proofhouse_robustness::certify::{Method as Bounds, Network, Smoothing, certify, smooth};
use proofhouse_robustness::harden::{Method, Recipe, Training};
use proofhouse_robustness::privacy::membership::{Rows, by_confidence, by_labels};
use proofhouse_robustness::privacy::trigger::{TriggerSearch, find};
use proofhouse_robustness::{
    Access, Attack, Budget, CarliniWagner, Counting, DeepFool, LabelledRows, Norm, Pgd, Threat, Victim,
    evade, standard,
};
use serde::Serialize;
use support::{digits, model};

const THREADS: [usize; 3] = [1, 2, 5];

fn options() -> ClassifierOptions {
    ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    }
}

fn on(threads: usize) -> LoadOptions {
    LoadOptions { threads, ..LoadOptions::default() }
}

/// Holds what `made` makes on each number of threads against the first.
fn same(what: &str, made: impl Fn(&LoadOptions) -> Vec<u8>) {
    let first = made(&on(THREADS[0]));
    assert!(!first.is_empty());
    for threads in &THREADS[1..] {
        assert!(made(&on(*threads)) == first, "{what}: other bytes on {threads} threads");
    }
}

fn bytes(report: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(report).unwrap()
}

#[test]
fn attacks_find_the_same() {
    let (rows, labels) = digits(90);
    let data = LabelledRows::new(&rows, &labels);
    let budget = Budget { steps: 12, aims: 2, queries: 60, ..Budget::seeded(3) };
    for name in ["cnn_at010", "mlp_at010", "mask_quant"] {
        let file = model(name);
        for (norm, eps) in [(Norm::Linf, 0.1), (Norm::L2, 0.5), (Norm::L1, 2.0)] {
            let mut attacks: Vec<Box<dyn Attack>> = standard(Access::Gradients, norm, &budget);
            attacks.push(Box::new(Pgd { steps: 5, restarts: 2, seed: 3, ..Pgd::default() }));
            if norm == Norm::L2 {
                attacks.push(Box::new(DeepFool::default()));
                attacks.push(Box::new(CarliniWagner { searches: 2, steps: 10, ..CarliniWagner::default() }));
            }
            let attacks: Vec<&dyn Attack> = attacks.iter().map(AsRef::as_ref).collect();
            same(name, |load_options| {
                let gradients = DifferentiableClassifier::new(&file, options(), load_options).unwrap();
                let runtime = Classifier::new(load(&file, load_options).unwrap(), options()).unwrap();
                let victim = Victim::white_box(&gradients, &gradients).confirmed_by("rten", &runtime);
                let counting = Counting { max_examples: 90, ..Counting::default() };
                let report =
                    evade(&victim, &data, &Threat::new(norm, eps), &attacks, &counting, &mut |_| {}).unwrap();
                assert!(report.evaded > 0, "{name} {norm}");
                bytes(&report)
            });
        }
    }
}

#[test]
fn hardening_ends_in_the_same_file() {
    let (rows, labels) = digits(150);
    let (learn, judge) = (
        LabelledRows::new(&rows[..110 * 64], &labels[..110]),
        LabelledRows::new(&rows[110 * 64..], &labels[110..]),
    );
    let trades = Method::Trades { steps: 2, beta: 4.0 };
    for (name, method) in [("cnn_naive", Method::Pgd { steps: 2 }), ("mlp_naive", trades)] {
        let file = model(name);
        same(name, |load_options| {
            let recipe = Recipe {
                method,
                batch: 48,
                judge_steps: 3,
                ..Recipe::new(Threat::new(Norm::Linf, 0.1), 2, 3)
            };
            let trainable = Trainable::new(&file, options(), load_options).unwrap();
            let mut training =
                Training::new(trainable, Digest::of(&file), learn.clone(), judge.clone(), recipe).unwrap();
            while training.epoch(&mut |_, _| ()).unwrap().is_some() {}
            let checkpoint = training.checkpoint().to_bytes();
            let hardened = training.finish().unwrap();
            [checkpoint, hardened.model.export().unwrap(), bytes(&hardened.epochs)].concat()
        });
    }
}

#[test]
fn certificates_say_the_same() {
    let (rows, labels) = digits(40);
    let data = LabelledRows::new(&rows, &labels);
    let file = model("mlp_at010");
    let network = Network::read(&Graph::read(&file).unwrap(), &[1, 8, 8], None).unwrap();
    same("certify", |load_options| {
        let model = Classifier::new(load(&file, load_options).unwrap(), options()).unwrap();
        let threat = Threat::new(Norm::Linf, 0.02);
        let linear = certify(&model, &network, 1.0, &data, &threat, Bounds::Linear, 0.95).unwrap();
        let smoothing = Smoothing { choose: 20, estimate: 200, ..Smoothing::default() };
        let smoothed = smooth(&model, &data, &smoothing, &mut |_, _| ()).unwrap();
        assert!(!linear.rows.is_empty());
        [bytes(&linear), bytes(&smoothed)].concat()
    });
}

#[test]
fn privacy_attacks_learn_the_same() {
    let (rows, labels) = digits(80);
    let (inside, outside) = rows.split_at(40 * 64);
    let members = Rows { rows: inside, labels: &labels[..40] };
    let others = Rows { rows: outside, labels: &labels[40..] };
    let file = model("mlp_naive");
    same("privacy", |load_options| {
        let gradients = DifferentiableClassifier::new(&file, options(), load_options).unwrap();
        let model = Classifier::new(load(&file, load_options).unwrap(), options()).unwrap();
        let scores = by_confidence(&model, members, others, 0.95).unwrap();
        let answers = by_labels(&model, members, others, (10, 0.2, 7), 0.95).unwrap();
        let search = TriggerSearch { steps: 15, ..TriggerSearch::default() };
        let triggers =
            find(&gradients, Rows { rows: &rows, labels: &labels }, &search, &mut |_, _| ()).unwrap();
        [bytes(&scores), bytes(&answers), bytes(&triggers)].concat()
    });
}
