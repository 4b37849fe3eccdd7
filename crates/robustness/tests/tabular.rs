//! Attacks on tables under the rules of their domain: nothing illegal is ever returned, the searches agree with what
//! can be computed, and the price from below never exceeds the one from above.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use proofhouse_onnx::graph::{Attribute, Graph, Node};
use proofhouse_onnx::{
    Classifier, ClassifierOptions, Gradients, LoadOptions, OnnxError, OutputKind, Preprocess, Scores,
    TreeEnsemble, load,
};
use proofhouse_robustness::domain::{Change, Column, Compare, Cost, Domain, Grid, OneHot, Relation};
use proofhouse_robustness::tabular::{Aim, Search, Tabular, TabularOptions, TabularReport, evade};
use proofhouse_robustness::trees::{CostOptions, minimal_cost};
use proptest::prelude::*;

const GBT: &[u8] = include_bytes!("../../onnx/tests/fixtures/gbt.onnx");
const TABULAR: &[u8] = include_bytes!("../../onnx/tests/fixtures/tabular_test.f32");

fn rows(n: usize) -> (Vec<f32>, Vec<usize>) {
    let records = TABULAR.chunks_exact(121).take(n);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    let value = |b: &[u8; 4]| f32::from_le_bytes(*b);
    (records.flat_map(|r| r[1..].as_chunks::<4>().0.iter().map(value).collect::<Vec<_>>()).collect(), labels)
}

fn gbt() -> (Classifier, TreeEnsemble) {
    let options = ClassifierOptions {
        input_shape: vec![30],
        classes: 2,
        output: Some("probabilities".to_owned()),
        kind: OutputKind::Probabilities,
        preprocess: Preprocess::default(),
    };
    let trees = TreeEnsemble::of(Graph::read(GBT).unwrap().first("TreeEnsembleClassifier").unwrap()).unwrap();
    (Classifier::new(load(GBT, &LoadOptions::default()).unwrap(), options).unwrap(), trees)
}

/// Thirty columns of all kinds over the breast-cancer table: every third in steps of 1/64, some that only grow or
/// never change, different prices, and two that may not exceed their sum's bound.
fn mixed() -> Domain {
    let column = |at: usize| Column {
        name: format!("c{at}"),
        low: -0.5,
        high: 1.5,
        grid: None,
        change: match at % 7 {
            5 => Change::Up,
            6 => Change::Never,
            _ => Change::Free,
        },
        cost: Cost { once: 0.05, up: 1.0 + (at % 4) as f64, down: 0.5 + (at % 3) as f64 },
    };
    let relation = Relation {
        name: "0 and 1".to_owned(),
        terms: vec![(0, 1.0), (1, 1.0)],
        is: Compare::AtMost,
        bound: 1.6,
        tolerance: 1e-4,
    };
    Domain::new((0..30).map(column).collect(), vec![], vec![relation]).unwrap()
}

fn quick(searches: Vec<Search>) -> TabularOptions {
    TabularOptions {
        searches,
        queries: 1500,
        population: 20,
        generations: 8,
        seed: 3,
        ..TabularOptions::default()
    }
}

/// Every result again, from outside.
fn confirm(report: &TabularReport, of: Tabular<'_>, rows: &[f32]) {
    let width = of.domain.columns().len();
    let mut scores = Vec::new();
    for row in &report.rows {
        let original = &rows[row.index * width..][..width];
        let Some(cost) = row.cost else {
            assert!(row.adversarial.is_empty());
            continue;
        };
        assert_eq!(of.domain.admits(original, &row.adversarial), Ok(()));
        assert!((of.domain.cost(original, &row.adversarial) - cost).abs() < 1e-12);
        assert!(report.options.budget.is_none_or(|b| cost <= b));
        assert!(row.at_least.is_none_or(|least| least <= cost + 1e-12), "{row:?}");
        of.model.scores(&row.adversarial, 1, &mut scores).unwrap();
        assert!(row.aim.reached(&scores));
        assert_eq!(row.changes.len(), original.iter().zip(&row.adversarial).filter(|(a, b)| a != b).count());
    }
}

#[test]
fn trees_fall_within_their_domain_and_above_the_bound() {
    let (model, trees) = gbt();
    let (rows, labels) = rows(14);
    let aims: Vec<Aim> = labels.iter().map(|l| Aim::Other(*l)).collect();
    let domain = mixed();
    let of = Tabular { model: &model, gradients: None, trees: Some(&trees), domain: &domain, donors: &rows };
    let options = TabularOptions { max_boxes: 300, ..quick(vec![Search::Greedy, Search::Evolution]) };
    let report = evade(of, &rows, &aims, &options, &mut |_, _| {}).unwrap();
    assert_eq!((report.n, report.attacked + report.already, report.illegal.len()), (14, 14, 0));
    assert!(report.already >= 1, "two of these rows are misclassified");
    assert_eq!((report.evaded, report.unconfirmed), (report.attacked, 0));
    confirm(&report, of, &rows);
    assert!(report.rows.iter().all(|r| r.at_least.is_some_and(|c| c > 0.0)));

    // The same again, and within a budget.
    assert_eq!(report, evade(of, &rows, &aims, &options, &mut |_, _| {}).unwrap());
    let budget = report.median_cost.unwrap();
    let options = TabularOptions { budget: Some(budget), ..options };
    let within = evade(of, &rows, &aims, &options, &mut |_, _| {}).unwrap();
    confirm(&within, of, &rows);
    assert!(within.evaded < within.attacked && within.evaded > 0);
    let proved = within.proved.clone().unwrap();
    assert!(proved.value * within.attacked as f64 + within.evaded as f64 <= within.attacked as f64);
    // Whoever only attacks where it pays takes nothing where nothing is at stake.
    assert_eq!(within.share_of_gain(&[0.0; 14]), None);
    assert_eq!(report.share_of_gain(&[1e9; 14]), Some(1.0));
}

/// A linear model over a table, whose cheapest change is known: as much as possible through the column with the
/// most effect for its price.
struct Linear {
    weights: Vec<f32>,
    bias: f32,
    shape: [usize; 1],
}

impl Scores for Linear {
    fn classes(&self) -> usize {
        2
    }
    fn input_shape(&self) -> &[usize] {
        &self.shape
    }
    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }
    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        assert_eq!(rows.len(), n * self.weights.len());
        for row in rows.chunks_exact(self.weights.len()) {
            out.extend([0.0, row.iter().zip(&self.weights).map(|(x, w)| x * w).sum::<f32>() + self.bias]);
        }
        Ok(())
    }
}

impl Gradients for Linear {
    fn pull_back(
        &self,
        rows: &[f32],
        n: usize,
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        gradient: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        let mut scores = Vec::new();
        self.scores(rows, n, &mut scores)?;
        let mut slope = vec![0.0; scores.len()];
        loss(&scores, &mut slope);
        gradient.clear();
        for s in slope.chunks_exact(2) {
            gradient.extend(self.weights.iter().map(|w| w * s[1]));
        }
        Ok(())
    }
}

#[test]
fn each_search_finds_the_cheapest_way_through_a_linear_model() {
    let model = Linear { weights: vec![1.0, 2.0, -0.5, 0.25], bias: -2.0, shape: [4] };
    let domain = Domain::continuous(4, 0.0, 1.0).unwrap();
    // Score 1 is -1.375; the second column alone brings 2 a unit, and 0.75 of it are left: 0.6875 are needed.
    let row = [0.25, 0.25, 0.5, 0.5];
    let of = Tabular {
        model: &model,
        gradients: Some(&model),
        trees: None,
        domain: &domain,
        donors: &[1.0, 1.0, 0.0, 1.0],
    };
    for search in [Search::Gradient, Search::Greedy, Search::Evolution] {
        let options = TabularOptions {
            seed: 1,
            ..TabularOptions { searches: vec![search], ..TabularOptions::default() }
        };
        let report = evade(of, &row, &[Aim::Other(0)], &options, &mut |_, _| {}).unwrap();
        confirm(&report, of, &row);
        let cost = report.rows[0].cost.unwrap();
        assert!((0.687..0.72).contains(&cost), "{search:?}: {cost}");
    }
}

#[test]
fn a_regressor_moves_beyond_a_limit_and_no_further_than_it_must() {
    struct Price;
    impl Scores for Price {
        fn classes(&self) -> usize {
            1
        }
        fn input_shape(&self) -> &[usize] {
            &[3]
        }
        fn kind(&self) -> OutputKind {
            OutputKind::Logits
        }
        fn scores(&self, rows: &[f32], _: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
            out.clear();
            out.extend(rows.chunks_exact(3).map(|r| 10.0 * r[0] + r[1] * r[1] + 5.0 * r[2]));
            Ok(())
        }
    }
    let mut columns = Domain::continuous(3, 0.0, 10.0).unwrap().columns().to_vec();
    columns[0].change = Change::Never;
    columns[2].grid = Some(Grid { origin: 0.0, step: 1.0 });
    let domain = Domain::new(columns, vec![], vec![]).unwrap();
    let of = Tabular { model: &Price, gradients: None, trees: None, domain: &domain, donors: &[] };
    let row = [1.0, 1.0, 2.0];
    let aim = Aim::AtLeast { output: 0, value: 40.0 };
    let report = evade(of, &row, &[aim], &quick(vec![Search::Greedy]), &mut |_, _| {}).unwrap();
    confirm(&report, of, &row);
    // Four whole steps of the third column (20 of them 19) are as good as it gets by one column; by the second it
    // takes sqrt(20) - 1 = 3.47.
    let cost = report.rows[0].cost.unwrap();
    assert!((3.0..=4.0).contains(&cost), "{cost}");
    let already = evade(
        of,
        &row,
        &[Aim::AtMost { output: 0, value: 21.0 }],
        &quick(vec![Search::Greedy]),
        &mut |_, _| {},
    );
    assert_eq!(already.unwrap().already, 1);
}

#[test]
fn what_cannot_be_attacked_is_named() {
    let (model, _) = gbt();
    let domain = mixed();
    let of = Tabular { model: &model, gradients: None, trees: None, domain: &domain, donors: &[] };
    let (mut rows, _) = rows(1);
    let attack = |rows: &[f32], aim, options: &TabularOptions| {
        evade(of, rows, &[aim], options, &mut |_, _| {}).map_err(|e| e.to_string())
    };
    let options = quick(vec![Search::Greedy]);
    assert!(attack(&rows[..29], Aim::Other(0), &options).unwrap_err().contains("rows of 30 values"));
    assert!(attack(&rows, Aim::Class(2), &options).unwrap_err().starts_with("row 0: Class(2)"));
    let negative = TabularOptions { budget: Some(-1.0), ..options.clone() };
    assert!(attack(&rows, Aim::Other(0), &negative).unwrap_err().contains("budget"));
    rows[3] = 7.0;
    let report = attack(&rows, Aim::Other(0), &options).unwrap();
    assert_eq!((report.attacked, report.illegal.len()), (0, 1));
    assert_eq!(report.illegal[0].1.place, "c3");
}

/// An ensemble of stumps and small trees over four columns: a number, a whole number, and a category of two.
fn small(splits: &[(usize, f32, usize, f32, f32, f32, f32)]) -> TreeEnsemble {
    let mut node = Node {
        name: "small".to_owned(),
        domain: "ai.onnx.ml".to_owned(),
        operator: "TreeEnsembleRegressor".to_owned(),
        inputs: vec![],
        outputs: vec![],
        attributes: std::collections::BTreeMap::new(),
    };
    let n = splits.len();
    let trees: Vec<i64> = (0..n as i64).collect();
    let each = |ids: [i64; 5]| -> Vec<i64> { trees.iter().flat_map(|_| ids).collect() };
    let mut set = |name: &str, value| node.attributes.insert(name.to_owned(), value);
    // Node 0 splits; its low side is a leaf, its high side splits again.
    set("nodes_treeids", Attribute::Ints(trees.iter().flat_map(|t| [*t; 5]).collect()));
    set("nodes_nodeids", Attribute::Ints(each([0, 1, 2, 3, 4])));
    set("nodes_truenodeids", Attribute::Ints(each([1, 0, 3, 0, 0])));
    set("nodes_falsenodeids", Attribute::Ints(each([2, 0, 4, 0, 0])));
    let modes = ["BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"];
    set("nodes_modes", Attribute::Texts(trees.iter().flat_map(|_| modes.map(str::to_owned)).collect()));
    let features = splits.iter().flat_map(|s| [s.0 as i64, 0, s.2 as i64, 0, 0]);
    set("nodes_featureids", Attribute::Ints(features.collect()));
    set("nodes_values", Attribute::Floats(splits.iter().flat_map(|s| [s.1, 0.0, s.3, 0.0, 0.0]).collect()));
    set("n_targets", Attribute::Int(1));
    set("target_treeids", Attribute::Ints(trees.iter().flat_map(|t| [*t; 3]).collect()));
    set("target_nodeids", Attribute::Ints(trees.iter().flat_map(|_| [1, 3, 4]).collect()));
    set("target_ids", Attribute::Ints(vec![0; 3 * n]));
    set("target_weights", Attribute::Floats(splits.iter().flat_map(|s| [s.4, s.5, s.6]).collect()));
    TreeEnsemble::of(&node).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against every combination of values that can matter: each threshold and the float after it, every whole
    /// number, every category.
    #[test]
    fn the_exact_price_is_that_of_brute_force(
        splits in prop::collection::vec(
            (0usize..4, 0u8..8, 0usize..4, 0u8..8, -3i8..4, -3i8..4, -3i8..4), 1..6),
        start in (0u8..8, 0u8..4, any::<bool>()),
        wanted in 1i8..6,
        once in 0u8..2,
    ) {
        let scale = |f: usize, k: u8| match f {
            0 => f32::from(k) / 8.0 + 0.03,
            1 => f32::from(k % 4) + 0.5,
            _ => 0.5,
        };
        let splits: Vec<_> = splits.into_iter().map(|(a, ka, b, kb, x, y, z)| {
            (a, scale(a, ka), b, scale(b, kb), f32::from(x), f32::from(y), f32::from(z))
        }).collect();
        let model = small(&splits);
        let cost = |up| Cost { once: f64::from(once), up, down: 1.0 };
        let column = |name: &str, high, grid, change, cost| Column {
            name: name.to_owned(), low: 0.0, high, grid, change, cost,
        };
        let domain = Domain::new(
            vec![
                column("x", 1.0, None, Change::Free, cost(2.0)),
                column("k", 4.0, Some(Grid { origin: 0.0, step: 1.0 }), Change::Up, cost(0.25)),
                column("a", 1.0, None, Change::Free, cost(1.0)),
                column("b", 1.0, None, Change::Free, cost(1.0)),
            ],
            vec![OneHot { columns: vec![2, 3], cost: 0.75 }],
            vec![],
        ).unwrap();
        let hot = f32::from(u8::from(start.2));
        let row = [f32::from(start.0) / 8.0, f32::from(start.1), hot, 1.0 - hot];
        let mut raw = Vec::new();
        model.raw(&row, &mut raw);
        let aim = Aim::AtLeast { output: 0, value: f64::from(raw[0]) + f64::from(wanted) };
        let mut brute = f64::INFINITY;
        let thresholds = (0u8..8).flat_map(|k| { let t = scale(0, k); [t, t.next_up()] }).chain([row[0]]);
        for x in thresholds {
            for k in 0..5u8 {
                for a in [0.0f32, 1.0] {
                    let candidate = [x, f32::from(k), a, 1.0 - a];
                    if domain.admits(&row, &candidate).is_ok() {
                        model.raw(&candidate, &mut raw);
                        if aim.reached(&raw) {
                            brute = brute.min(domain.cost(&row, &candidate));
                        }
                    }
                }
            }
        }
        let nearest = minimal_cost(&model, &domain, &row, aim, &CostOptions::default()).unwrap();
        prop_assert!(nearest.exact);
        prop_assert!(nearest.certified == brute || (nearest.certified - brute).abs() < 1e-9,
            "{} and {brute}", nearest.certified);
        if let Some(witness) = &nearest.witness {
            prop_assert_eq!(domain.admits(&row, witness), Ok(()));
            model.raw(witness, &mut raw);
            prop_assert!(aim.reached(&raw));
        }
        // A small budget gives a bound that is not above.
        let quick = minimal_cost(&model, &domain, &row, aim, &CostOptions { max_boxes: 2, upper: None }).unwrap();
        prop_assert!(quick.certified <= brute + 1e-9);
    }
}

#[test]
fn relations_leave_an_interval() {
    let model = small(&[(0, 0.5, 2, 0.5, 0.0, 1.0, 1.0)]);
    let mut columns = Domain::continuous(4, 0.0, 1.0).unwrap().columns().to_vec();
    columns[1].cost = Cost { once: 0.0, up: 3.0, down: 3.0 };
    let relation = Relation {
        name: "x at most k".to_owned(),
        terms: vec![(0, 1.0), (1, -1.0)],
        is: Compare::AtMost,
        bound: 0.0,
        tolerance: 1e-5,
    };
    let domain = Domain::new(columns, vec![], vec![relation]).unwrap();
    let row = [0.2, 0.2, 0.0, 0.0];
    let aim = Aim::AtLeast { output: 0, value: 1.0 };
    let nearest = minimal_cost(&model, &domain, &row, aim, &CostOptions::default()).unwrap();
    // The column itself costs 0.3; what the relation takes along costs 0.9 more, and nothing is cheaper.
    let witness = nearest.witness.unwrap();
    assert_eq!(domain.admits(&row, &witness), Ok(()));
    assert!(nearest.certified >= 0.3 && nearest.found.unwrap() >= 1.2 - 1e-4);
    assert!(nearest.certified <= nearest.found.unwrap() && !nearest.exact);
}
