//! The checks of a model beside evasion: what passes, what fails, and what says that it cannot tell.

use proofhouse_core::{Digest, Timestamp, Verdict};
use proofhouse_lifecycle::check::{Context, Outcome, for_kind};
use proofhouse_lifecycle::data::Datasets;
use proofhouse_lifecycle::{ModelUnderTest, Project, Silent};

use crate::scene::example;

const BEFORE: &str = "  label_noise: {";
const EXTRACTION: &str =
    "extraction: { dataset: test, queries: [300, 3000], window_hours: 24, max_fidelity: 1, seed: 7 }";

fn run(project: &Project, kind: &str) -> Outcome {
    let (model, datasets) = (ModelUnderTest::load(project).unwrap(), Datasets::load(project).unwrap());
    let now: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
    let context =
        Context { project, model: &model, datasets: &datasets, previous: None, now, progress: &Silent };
    let check = for_kind(kind).unwrap();
    let setups = check.setups(&context).unwrap();
    assert_eq!(setups.len(), 1, "{kind}");
    check.run(&context, &setups[0]).unwrap()
}

/// The outcome with these parameters of a check.
fn with(parameters: &str, kind: &str) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("  {parameters}\n{BEFORE}");
    run(&example(dir.path(), (!parameters.is_empty()).then_some((BEFORE, text.as_str()))), kind)
}

fn extracted(parameters: &str) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    run(&example(dir.path(), Some((EXTRACTION, parameters))), "extraction-budget")
}

#[test]
fn a_copy_is_judged_at_the_queries_that_the_limits_allow() {
    let open = extracted("extraction: { queries: [60, 200] }");
    assert_eq!(open.verdict, Verdict::Unknown);
    assert!(open.criterion.contains("no checks.extraction.max_fidelity"), "{}", open.criterion);
    assert!(open.criterion.contains("432000 queries in 24 hours"), "{}", open.criterion);
    let held = extracted("extraction: { queries: [60, 200], max_fidelity: 0.2 }");
    assert_eq!(held.verdict, Verdict::Fail, "{}", held.criterion);
    assert!(held.measurements.iter().any(|m| m.name == "extraction-fidelity" && m.interval.is_some()));
    // A ceiling that holds for what was tried says nothing about what is allowed besides.
    let few = extracted("extraction: { queries: [2], max_fidelity: 0.9 }");
    assert_eq!(few.verdict, Verdict::Unknown);
    assert!(few.criterion.contains("not measurable because more queries are allowed"), "{}", few.criterion);
    // Within a minute the limits allow 300.
    let soon = extracted("extraction: { queries: [2, 300], window_hours: 0.0166667, max_fidelity: 0.99 }");
    assert_eq!(soon.verdict, Verdict::Pass, "{}", soon.criterion);
    let any = extracted("extraction: { queries: [60], max_fidelity: 1 }");
    assert_eq!(any.verdict, Verdict::Pass, "{}", any.criterion);
}

#[test]
fn members_are_counted_at_a_rate_that_the_rows_can_show() {
    let bare = with("membership: { shadows: 2, epochs: 1, samples: 60 }", "membership-inference");
    assert_eq!(bare.verdict, Verdict::Unknown);
    assert!(bare.criterion.contains("cannot show a rate of 0.001; it takes 10000"), "{}", bare.criterion);
    // Shadows that learned nothing are no likeness.
    let dull = with(
        "membership: { shadows: 2, epochs: 1, samples: 120, false_alarms: 0.1 }",
        "membership-inference",
    );
    assert!(dull.verdict == Verdict::Unknown && dull.criterion.contains("no likeness"), "{}", dull.criterion);
    let told = with(
        "membership: { shadows: 4, epochs: 25, samples: 120, false_alarms: 0.1 }",
        "membership-inference",
    );
    assert_ne!(told.verdict, Verdict::Unknown, "{}", told.criterion);
    let names: Vec<&str> = told.measurements.iter().map(|m| m.name.as_str()).collect();
    assert!(names.contains(&"membership-area") && names.contains(&"shadow-accuracy"), "{names:?}");
}

#[test]
fn inversion_says_which_gradients_it_had_and_how_often_a_matcher_recognised_a_class() {
    let drawn = with("inversion: { steps: 20, samples: 100 }", "inversion-attempt");
    // The example's weights are public.
    assert!(drawn.criterion.contains("gradients exact"), "{}", drawn.criterion);
    assert_eq!(drawn.measurements[0].name, "inversion-match");
    let dir = tempfile::tempdir().unwrap();
    let labels = example(dir.path(), Some(("exposes: [label, scores]", "exposes: [label]")));
    let mut labels = labels;
    if let Some(model) = &mut labels.system.model {
        model.weights_public = Some(false);
    }
    let blind = run(&labels, "inversion-attempt");
    assert_eq!(blind.verdict, Verdict::Unknown);
    assert!(
        blind.criterion.starts_with("not measurable because callers see labels only"),
        "{}",
        blind.criterion
    );
}

#[test]
fn a_property_has_to_be_named_before_it_can_be_told() {
    let bare = with("", "property-inference");
    assert_eq!((bare.verdict, bare.findings.len()), (Verdict::Unknown, 1));
    assert!(bare.criterion.contains("which property is the secret"), "{}", bare.criterion);
    let told = with(
        "property: { column: p28, at_least: 8, shares: [0.2, 0.6], shadows: 3, epochs: 3 }",
        "property-inference",
    );
    assert_eq!(told.measurements[0].n, Some(6));
    // Six shadow models bound nothing at a tenth.
    assert_ne!(told.verdict, Verdict::Pass, "{}", told.criterion);
}

#[test]
fn groups_are_compared_where_somebody_says_who_is_in_which() {
    let check = |text: &str| with(&format!("fairness: {{ dataset: test, {text} }}"), "group-fairness");
    // Whether a pixel is dark tells ones from noughts, so that the rates of a class lie far apart.
    let apart = check("groups: [{ column: p28, edges: [8] }], favourable: 0, max_gap: 0.3, min_rows: 20");
    assert_eq!(apart.verdict, Verdict::Fail, "{}", apart.criterion);
    assert!(apart.findings[0].message.starts_with("p28: 8 and above is favoured less often"), "{apart:?}");
    let errors = check("groups: [{ column: p28, edges: [8] }], max_gap: 0.5, min_rows: 20");
    assert_eq!(errors.verdict, Verdict::Pass, "{}", errors.criterion);
    assert!(errors.measurements.iter().any(|m| m.name == "error-rate-gap"));
    let few = check("groups: [{ column: p28, edges: [8] }], max_gap: 0.5, min_rows: 5000");
    assert!(few.verdict == Verdict::Unknown && few.criterion.contains("enough rows"), "{}", few.criterion);
}

#[test]
fn planted_rows_are_sought_where_there_are_enough_to_compare() {
    for kind in ["spectral-signature", "activation-clustering"] {
        // Twenty rows of each class in the test set are too few to say anything.
        let few = with("poisoning: { reference: test }", kind);
        assert_eq!(few.verdict, Verdict::Unknown, "{}", few.criterion);
        assert!(
            few.criterion.contains("too few rows") || few.criterion.contains("fewer than 40"),
            "{}",
            few.criterion
        );
        assert!(few.findings.is_empty() && few.exhibit.is_some());
    }
    let strict = with("poisoning: { reference: test, detectable: 0.001 }", "spectral-signature");
    assert_eq!(strict.verdict, Verdict::Unknown);
}

#[test]
fn segments_are_held_against_what_was_released_before() {
    let check = |text: &str| with(&format!("segments: {{ dataset: test, {text} }}"), "segment-regression");
    let dir = tempfile::tempdir().unwrap();
    example(dir.path(), None);
    let file = "model/cheque-digits.onnx";
    let digest = Digest::of(&std::fs::read(dir.path().join(file)).unwrap());
    let same = format!(
        "segments: [{{ column: p28, edges: [8] }}], min_rows: 20, against: {{ file: {file}, sha256: \"{digest}\" }}"
    );
    // Whoever is compared with itself cannot be worse.
    let told = check(&same);
    assert!(
        told.verdict == Verdict::Unknown && told.criterion.contains("names the model itself"),
        "{}",
        told.criterion
    );
    // A first release has nothing to be compared with, and is judged by a ceiling or not at all.
    let first = check("segments: [{ column: p28, edges: [8] }], min_rows: 20");
    assert!(
        first.verdict == Verdict::Unknown && first.criterion.contains("max_error"),
        "{}",
        first.criterion
    );
    let ceiling = check("segments: [{ column: p28, edges: [8] }], min_rows: 20, max_error: 0.5");
    assert_eq!(ceiling.verdict, Verdict::Pass, "{}", ceiling.criterion);
    let few = check("segments: [{ column: p28, edges: [8] }], min_rows: 5000, max_error: 0.5");
    assert!(few.verdict == Verdict::Unknown && few.criterion.contains("5000 rows"), "{}", few.criterion);
}

#[test]
fn sources_are_left_out_where_a_column_tells_them() {
    let check = |text: &str| with(&format!("sources: {{ {text} }}"), "poison-canary-retrain");
    // Rows by their number stand for sources: none of them is worse than the others.
    let told = check("by: { column: image, edges: [900] }, copies: 3, epochs: 2, max_gain: 0.9");
    assert_eq!(told.verdict, Verdict::Pass, "{}", told.criterion);
    assert_eq!(told.measurements.iter().filter(|m| m.name == "gain-without-source").count(), 2);
    let one = check("by: { column: image, edges: [100000] }");
    assert!(
        one.verdict == Verdict::Unknown && one.criterion.contains("no source to leave out"),
        "{}",
        one.criterion
    );
}

#[test]
fn other_work_is_tried_and_judged_where_somebody_says_how_much_is_too_much() {
    let bare = with("reprogramming: { steps: 20, questions: 100 }", "reprogramming-probe");
    assert_eq!(bare.verdict, Verdict::Unknown, "{}", bare.criterion);
    assert!(bare.criterion.contains("max_accuracy"), "{}", bare.criterion);
    let any = with("reprogramming: { steps: 120, questions: 300, max_accuracy: 1 }", "reprogramming-probe");
    assert_eq!(any.verdict, Verdict::Pass, "{}", any.criterion);
    // A search that has hardly begun shows nothing.
    let short = with("reprogramming: { steps: 20, questions: 100, max_accuracy: 1 }", "reprogramming-probe");
    assert_eq!(short.verdict, Verdict::Unknown, "{}", short.criterion);
    let none =
        with("reprogramming: { steps: 20, questions: 100, max_accuracy: 0.01 }", "reprogramming-probe");
    assert_eq!(none.verdict, Verdict::Fail, "{}", none.criterion);
}

#[test]
fn times_are_compared_with_ordinary_ones() {
    let timed = with("latency: { queries: 80, max_factor: 1000 }", "latency-search");
    assert_eq!(timed.verdict, Verdict::Pass, "{}", timed.criterion);
    assert!(timed.measurements[0].value > 0.0);
    let strict = with("latency: { queries: 80, max_factor: 0.001 }", "latency-search");
    assert_ne!(strict.verdict, Verdict::Pass, "{}", strict.criterion);
}

#[test]
fn weights_from_elsewhere_pass_only_where_somebody_answers_for_them() {
    let bare = with("backdoor: { steps: 20, samples: 40 }", "backdoor-scan-pretrained");
    assert!(bare.criterion.contains("checks.backdoor.allow names no digest"), "{}", bare.criterion);
    assert_ne!(bare.verdict, Verdict::Pass);
    let other = "sha256:953c1fea0fa45df69ca522f600130ca756914e8d108a2722be4232f3f33e7b1e";
    let strange = with(
        &format!("backdoor: {{ steps: 20, samples: 40, allow: [\"{other}\"] }}"),
        "backdoor-scan-pretrained",
    );
    assert_eq!(strange.verdict, Verdict::Fail, "{}", strange.criterion);
    let dir = tempfile::tempdir().unwrap();
    let own = ModelUnderTest::load(&example(dir.path(), None)).unwrap().digest();
    let known = with(
        &format!("backdoor: {{ steps: 20, samples: 40, max_index: 1000, allow: [\"{own}\"] }}"),
        "backdoor-scan-pretrained",
    );
    assert!(known.criterion.contains("somebody answers for"), "{}", known.criterion);
    assert!(known.measurements.iter().any(|m| m.name == "weight-deviation"));
}

#[test]
fn a_pattern_is_held_against_a_reference() {
    let dir = tempfile::tempdir().unwrap();
    let file = "model/cheque-digits.onnx";
    example(dir.path(), None);
    let digest = Digest::of(&std::fs::read(dir.path().join(file)).unwrap());
    let named = |digest: Digest| {
        let told = format!(
            "  backdoor: {{ samples: 60, steps: 60, max_index: 1000, reference: {{ file: {file}, sha256: \"{digest}\" }} }}\n\
             {BEFORE}"
        );
        let project = example(dir.path(), Some((BEFORE, &told)));
        let (model, datasets) = (ModelUnderTest::load(&project).unwrap(), Datasets::load(&project).unwrap());
        let now: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let context = Context {
            project: &project,
            model: &model,
            datasets: &datasets,
            previous: None,
            now,
            progress: &Silent,
        };
        let check = for_kind("trigger-inversion").unwrap();
        check.run(&context, &check.setups(&context).unwrap()[0])
    };
    // The model is its own reference here, so that whatever works on it works on both.
    let shown = named(digest).unwrap();
    assert_ne!(shown.verdict, Verdict::Fail, "{}", shown.criterion);
    assert!(shown.criterion.contains("on the reference, too"), "{}", shown.criterion);
    assert!(shown.measurements.iter().any(|m| m.name == "trigger-transfer" && m.value > 0.9));
    let other = named(Digest::of(b"another model")).unwrap_err().to_string();
    assert!(other.contains("the system file says sha256:"), "{other}");
}

#[test]
fn rows_of_a_table_are_changed_at_a_price() {
    let dir = tempfile::tempdir().unwrap();
    let columns: Vec<String> = (0..64).map(|i| format!("p{i:02}")).collect();
    let features = format!(
        "features: {{ columns: [{}], divide_by: 16, domain: {{ columns: [{{ column: p00, change: never }}, \
         {{ column: p28, low: 0, high: 16, step: 1, cost: {{ once: 1, up: 0.5, down: 0.5 }} }}] }} }}",
        columns.join(", ")
    );
    let described = example(dir.path(), Some(("features: { prefix: p, divide_by: 16 }", &features)));
    let bare = run(&described, "evasion-constrained");
    assert!(bare.verdict == Verdict::Unknown && bare.criterion.contains("no checks.constrained_evasion"));
    let check = |most: f64| {
        let mut project = Project::load(dir.path()).unwrap();
        project.system.checks.constrained_evasion = Some(proofhouse_system::ConstrainedEvasionCheck {
            dataset: "test".parse().unwrap(),
            class: None,
            budget: None,
            gain: None,
            max_rate: proofhouse_system::Probability::new(most).unwrap(),
            samples: Some(proofhouse_system::Count::new(4).unwrap()),
            queries: Some(proofhouse_system::Count::new(300).unwrap()),
            seed: 1,
            confidence: None,
        });
        run(&project, "evasion-constrained")
    };
    // Anything may be changed at some price, so that all of four rows fall.
    let fallen = check(0.5);
    assert_eq!(fallen.verdict, Verdict::Fail, "{}", fallen.criterion);
    assert!(fallen.measurements.iter().any(|m| m.name == "median-price" && m.value > 0.0));
    let drawn = &fallen.exhibit.unwrap()["drawn"];
    assert_eq!(drawn["attacked"], 4);
    assert!(drawn["examples"][0]["change"]["table"][0]["feature"].as_str().unwrap().starts_with('p'));
    assert_eq!(check(1.0).verdict, Verdict::Pass);
}
