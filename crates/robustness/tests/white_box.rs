//! Gradient attacks on real digit classifiers, against the counts of other libraries, with a network written
//! by hand as the model.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

mod support;

use proofhouse_onnx::{Scores, predict};
use proofhouse_robustness::{
    Apgd, Attack, Budget, CarliniWagner, Counting, DeepFool, EvasionReport, Fab, Fgsm, Goals, LabelledRows,
    Norm, Pgd, RobustnessError, Sparse, Square, Threat, Victim, assure, evade, standard,
};
use support::net::Net;
use support::{digits, model};

const ALL: Counting = Counting { confidence: 0.95, max_examples: 200 };

fn net(name: &str) -> Net {
    Net::read(&model(name))
}

fn attack(net: &Net, n: usize, threat: &Threat, attacks: &[&dyn Attack]) -> EvasionReport {
    let (rows, labels) = digits(n);
    let data = LabelledRows::new(&rows, &labels);
    let report = evade(&Victim::white_box(net, net), &data, threat, attacks, &ALL, &mut |_| {}).unwrap();
    verify(net, threat, &report);
    report
}

/// Every counterexample stands on its own, judged from outside.
fn verify(net: &Net, threat: &Threat, report: &EvasionReport) {
    assert_eq!((report.unconfirmed, report.disputed, report.undefined), (0, 0, 0));
    assert_eq!(report.examples.len() as u64, report.evaded);
    let mut scores = Vec::new();
    for example in &report.examples {
        net.scores(&example.adversarial, 1, &mut scores).unwrap();
        assert_eq!(predict(&scores, 10), [Some(example.predicted)]);
        assert_ne!(example.predicted, example.label);
        let distance = threat.norm.distance(&[1, 8, 8], &example.original, &example.adversarial);
        assert_eq!(distance, example.distance);
        assert!(distance <= threat.eps * (1.0 + 1e-9), "{distance} > {}", threat.eps);
        assert!(example.adversarial.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}

/// Rows of the reference table, those of attacks that are quick.
#[test]
fn quick_attacks_leave_no_more_than_others() {
    let table =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reference_digits.csv"));
    let mut compared = 0;
    for line in table.unwrap().lines().skip(1) {
        let [name, clean, norm, eps, kind, _, _, most, _] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        // The convolutional networks take too long by hand; the example runs every row through the engine.
        let attack: &dyn Attack = match kind {
            _ if !name.contains("mlp") && name != "mask_scaled" => continue,
            "fgsm" => &Fgsm::default(),
            "pgd" => &Pgd::default(),
            "apgd-ce" => &Apgd::cross_entropy(0),
            _ => continue,
        };
        let norm = if norm == "l2" { Norm::L2 } else { Norm::Linf };
        let bytes = model(if name == "mlp_softmax" { "mlp_softmax" } else { name });
        let report =
            self::attack(&Net::read(&bytes), 200, &Threat::new(norm, eps.parse().unwrap()), &[attack]);
        assert_eq!(report.attacked.to_string(), clean);
        let most: u64 = most.parse().unwrap();
        assert!(report.robust_correct <= most + 2, "{line}: {}", report.robust_correct);
        compared += 1;
    }
    assert!(compared >= 15, "{compared}");
}

#[test]
fn scaled_logits_hide_nothing() {
    // Others' cross-entropy attacks leave all 194; the truth is at most 182.
    for attack in [&Fgsm::default() as &dyn Attack, &Pgd::default(), &Apgd::cross_entropy(0), &Apgd::dlr(0)] {
        let report = self::attack(&net("mask_scaled"), 200, &Threat::new(Norm::Linf, 0.03), &[attack]);
        assert!(report.robust_correct <= 182, "{}: {}", attack.name(), report.robust_correct);
    }
}

#[test]
fn every_attack_works_in_every_norm_it_names() {
    let net = net("mlp_naive");
    let attacks: [&dyn Attack; 9] = [
        &Fgsm::default(),
        &Pgd { steps: 10, restarts: 2, ..Pgd::default() },
        &Apgd { steps: 20, ..Apgd::cross_entropy(1) },
        &Apgd { steps: 20, ..Apgd::dlr(1) },
        &Apgd { steps: 20, aims: 3, ..Apgd::targeted(1) },
        &Fab { steps: 20, aims: 3, ..Fab::new(1) },
        &DeepFool::default(),
        &CarliniWagner { searches: 4, steps: 60, ..CarliniWagner::default() },
        &Square::new(300, 1),
    ];
    for attack in attacks {
        for norm in attack.norms() {
            let eps = match norm {
                Norm::Linf => 0.1,
                Norm::L2 => 0.7,
                _ => 4.0,
            };
            let report = self::attack(&net, 24, &Threat::new(*norm, eps), &[attack]);
            assert!(report.evaded >= 4, "{} {norm}: {} of {}", attack.name(), report.evaded, report.attacked);
            let part = &report.parts[0];
            assert_eq!(part.gradients > 0, attack.access() == proofhouse_robustness::Access::Gradients);
            assert!(part.queries >= part.gradients && part.settings.is_object());
        }
    }
    let error = evade(
        &Victim::white_box(&net, &net),
        &LabelledRows::new(&digits(2).0, &digits(2).1),
        &Threat::new(Norm::L1, 1.0),
        &[&DeepFool::default()],
        &ALL,
        &mut |_| {},
    );
    assert_eq!(error, Err(RobustnessError::Option("deepfool works in linf, l2, not in l1".to_owned())));
}

#[test]
fn few_pixels_and_a_sticker() {
    let net = net("mlp_naive");
    let sparse = Sparse { choices: 6, steps: 8, restarts: 1, ..Sparse::default() };
    let pixels = attack(&net, 24, &Threat::new(Norm::L0, 4.0), &[&sparse]);
    assert!(pixels.evaded >= 12, "{}", pixels.evaded);
    let sticker = attack(&net, 24, &Threat::new(Norm::Patch, 9.0), &[&sparse]);
    assert!(sticker.evaded >= 8, "{}", sticker.evaded);
    // More pixels anywhere are worth more than a patch of as many.
    let more = attack(&net, 24, &Threat::new(Norm::L0, 9.0), &[&sparse]);
    assert!(more.evaded >= pixels.evaded && more.evaded >= sticker.evaded);
}

#[test]
fn minimal_distances_come_near_each_other() {
    let net = net("mlp_naive");
    let wide = Threat::new(Norm::L2, 1.0).unbounded(&[1, 8, 8]);
    let distances = |attack: &dyn Attack| -> Vec<f64> {
        let report = attack_all(&net, &wide, attack);
        report.examples.iter().map(|e| e.distance).collect()
    };
    let fab = distances(&Fab { minimise: true, steps: 60, aims: 4, ..Fab::new(0) });
    let carlini = distances(&CarliniWagner {
        minimise: true,
        searches: 9,
        steps: 300,
        rate: 0.02,
        ..CarliniWagner::default()
    });
    let deepfool = distances(&DeepFool::default());
    assert_eq!((fab.len(), carlini.len(), deepfool.len()), (12, 12, 12));
    let median = |a: &[f64], b: &[f64]| {
        let mut ratios: Vec<f64> = a.iter().zip(b).map(|(a, b)| a / b).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    };
    assert!((0.95..1.1).contains(&median(&carlini, &fab)), "{}", median(&carlini, &fab));
    assert!((0.99..1.3).contains(&median(&deepfool, &fab)), "{}", median(&deepfool, &fab));
}

fn attack_all(net: &Net, threat: &Threat, attack: &dyn Attack) -> EvasionReport {
    self::attack(net, 12, threat, &[attack])
}

#[test]
fn a_rows_fate_depends_on_no_other_row() {
    let net = net("mlp_at010");
    let (rows, labels) = digits(30);
    let budget = Budget { steps: 12, aims: 2, queries: 60, ..Budget::seeded(3) };
    let ensemble = standard(proofhouse_robustness::Access::Gradients, Norm::Linf, &budget);
    let attacks: Vec<&dyn Attack> = ensemble.iter().map(AsRef::as_ref).collect();
    let run = |n: usize| {
        let data = LabelledRows::new(&rows[..n * 64], &labels[..n]);
        let threat = Threat::new(Norm::Linf, 0.16);
        evade(&Victim::white_box(&net, &net), &data, &threat, &attacks, &ALL, &mut |_| {}).unwrap()
    };
    let whole = run(30);
    assert_eq!(whole, run(30));
    assert!(whole.evaded > 3, "{}", whole.evaded);
    let front: Vec<_> = whole.examples.iter().filter(|e| e.index < 11).cloned().collect();
    assert_eq!(run(11).examples, front);
}

#[test]
fn a_goal_of_its_own() {
    let net = net("mlp_naive");
    let (rows, labels) = digits(30);
    let run = |goals, attack: &dyn Attack| {
        let data = LabelledRows::new(&rows, &labels).towards(goals);
        evade(
            &Victim::white_box(&net, &net),
            &data,
            &Threat::new(Norm::Linf, 0.3),
            &[attack],
            &ALL,
            &mut |_| {},
        )
        .unwrap()
    };
    let attacks: [&dyn Attack; 6] = [
        &Pgd::default(),
        &Apgd { steps: 30, ..Apgd::cross_entropy(0) },
        &Apgd { steps: 30, ..Apgd::targeted(0) },
        &Fab { steps: 30, ..Fab::new(0) },
        &DeepFool::default(),
        &Square::new(300, 0),
    ];
    for attack in attacks {
        let report = run(Goals::Class(8), attack);
        let eights = labels.iter().filter(|l| **l == 8).count() as u64;
        assert!(report.n - report.attacked >= eights, "eights are what they shall be");
        assert!(report.examples.iter().all(|e| e.predicted == 8), "{}", attack.name());
        assert!(report.evaded >= 10, "{}: {}", attack.name(), report.evaded);
    }
    let each = labels.iter().map(|l| (l + 1) % 10).collect::<Vec<_>>();
    let report = run(Goals::Each(each.clone()), &Pgd::default());
    assert!(report.evaded > 5 && report.examples.iter().all(|e| e.predicted == each[e.index]));
}

#[test]
fn rounded_inputs_are_reached_straight_through() {
    let (rows, labels) = digits(60);
    let data = LabelledRows::new(&rows, &labels);
    let threat = Threat::new(Norm::Linf, 0.03);
    let run = |net: &Net| {
        let pgd = Pgd { steps: 40, restarts: 2, ..Pgd::default() };
        evade(&Victim::white_box(net, net), &data, &threat, &[&pgd], &ALL, &mut |_| {}).unwrap()
    };
    let quantised = net("mask_quant");
    let repaired = run(&quantised);
    verify(&quantised, &threat, &repaired);
    assert!(repaired.parts[0].repairs[0].starts_with("BPDA"), "{:?}", repaired.parts[0].repairs);
    let masked = run(&net("mask_quant").without_repair());
    assert!(masked.parts[0].repairs.is_empty());
    assert!(repaired.evaded > 0 && masked.evaded == 0, "{} {}", repaired.evaded, masked.evaded);
}

#[test]
fn an_examination_does_it_all() {
    let net = net("mask_scaled");
    let (rows, labels) = digits(60);
    let budget = Budget { steps: 20, aims: 2, queries: 100, ..Budget::default() };
    let (data, threat) = (LabelledRows::new(&rows, &labels), Threat::new(Norm::Linf, 0.06));
    let victim = Victim::white_box(&net, &net).confirmed_by("the same by hand", &net);
    let found = assure(&victim, &data, &threat, &budget, &[], &ALL, &mut |_| {}).unwrap();
    verify(&net, &threat, &found.report);
    let names: Vec<_> = found.report.parts.iter().map(|p| p.attack.as_str()).collect();
    assert_eq!(names, ["apgd-ce", "apgd-t", "fab-t", "square"]);
    assert_eq!(found.report.confirmed_by.len(), 2);
    assert!(found.diagnosis.saw(proofhouse_robustness::Sign::Saturation));
    assert_eq!(found.diagnosis.standing().count(), 0, "{:?}", found.diagnosis);
    // Each attack is told of what the ones before left.
    let standing: Vec<u64> = found.report.parts.iter().map(|p| p.attacked - p.evaded).collect();
    assert!(found.report.parts.iter().skip(1).zip(standing).all(|(part, left)| part.attacked == left));
}
