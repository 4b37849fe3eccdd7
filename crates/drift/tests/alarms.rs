//! The promise about false alarms, kept in simulation, and alarms where there is something to alarm about.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; the lint knows test functions, not their helpers"
)]

use proofhouse_core::Verdict;
use proofhouse_drift::{AlarmBudget, EffectFloor, Look, Monitor, Profile, Sample, Values, Window};

/// SplitMix64, the same everywhere.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Rows with a continuous column, a dependent one with 17 values, one with nulls, and a category.
struct Rows {
    score: Vec<f64>,
    pixel: Vec<f64>,
    sparse: Vec<f64>,
    class: Vec<Option<String>>,
}

fn rows(random: &mut Random, n: usize, shift: f64) -> Rows {
    let mut rows = Rows { score: vec![], pixel: vec![], sparse: vec![], class: vec![] };
    for _ in 0..n {
        let x = random.normal() + shift;
        rows.score.push(x);
        rows.pixel.push((4.0 * x + 8.0).round().clamp(0.0, 16.0));
        rows.sparse.push(if random.unit() < 0.1 { f64::NAN } else { random.normal() });
        rows.class.push(Some(format!("{}", (random.unit().powi(2) * 10.0) as u8)));
    }
    rows
}

fn samples(rows: &Rows) -> [Sample<'_>; 4] {
    [
        Sample { name: "score", values: Values::Numbers(&rows.score) },
        Sample { name: "pixel", values: Values::Numbers(&rows.pixel) },
        Sample { name: "sparse", values: Values::Numbers(&rows.sparse) },
        Sample { name: "class", values: Values::Categories(&rows.class) },
    ]
}

/// A monitor whose looks may each alarm falsely with probability `alpha`.
fn monitor(random: &mut Random, n: usize, alpha: f64, floor: f64) -> Monitor {
    let profile = Profile::freeze(&samples(&rows(random, n, 0.0))).unwrap();
    Monitor::new(profile, AlarmBudget::new(alpha * 365.25, 1.0).unwrap(), EffectFloor(floor))
}

fn look(monitor: &Monitor, live: &Rows) -> Look {
    let mut window = Window::new(monitor.profile());
    window.add(monitor.profile(), &samples(live)).unwrap();
    monitor.look(&window).unwrap()
}

#[test]
fn streams_without_drift_alarm_no_more_than_promised() {
    let mut random = Random(1);
    let (alpha, looks) = (0.1, 2000);
    let mut alarms = 0;
    // Many references: the promise holds on average over them.
    for _ in 0..looks / 10 {
        let monitor = monitor(&mut random, 300, alpha, 0.0);
        for _ in 0..10 {
            alarms += u32::from(look(&monitor, &rows(&mut random, 200, 0.0)).alarmed);
        }
    }
    let rate = f64::from(alarms) / f64::from(looks);
    // Three standard errors of 2000 looks that share references in tens are below 0.04.
    assert!(rate <= alpha + 0.03, "{rate}");
    assert!(rate > 0.005, "a test that never alarms proves nothing: {rate}");
}

#[test]
fn a_shift_alarms_and_is_ranked() {
    let mut random = Random(2);
    let monitor = monitor(&mut random, 1000, 1.0 / (24.0 * 365.25), 0.1);
    for _ in 0..20 {
        let look = look(&monitor, &rows(&mut random, 300, 1.0));
        assert!(look.alarmed && look.verdict == Verdict::Fail);
        let alarm = look.alarm.unwrap();
        let mut names: Vec<&str> = alarm.columns.iter().map(|c| c.column.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["pixel", "score"]);
        assert!(alarm.columns[0].effect >= alarm.columns[1].effect);
    }
}

#[test]
fn a_significant_trifle_does_not_alarm() {
    let mut random = Random(3);
    let strict = monitor(&mut random, 60_000, 1e-3, 0.0);
    let live = rows(&mut random, 60_000, 0.05);
    assert!(look(&strict, &live).alarmed);
    let practical = Monitor::new(strict.profile().clone(), strict.budget(), EffectFloor::default());
    let look = look(&practical, &live);
    assert!(!look.alarmed && look.verdict == Verdict::Pass);
    // Above the cap the distance is an interval.
    let score = &look.columns[0];
    assert!(score.distance_high > score.distance && score.distance_high < score.distance + 2e-4, "{score:?}");
}

#[test]
fn nulls_alone_alarm() {
    let mut random = Random(4);
    let monitor = monitor(&mut random, 1000, 1e-4, 0.1);
    let mut live = rows(&mut random, 400, 0.0);
    live.sparse.iter_mut().take(200).for_each(|v| *v = f64::NAN);
    let look = look(&monitor, &live);
    let columns: Vec<&str> = look.alarm.iter().flat_map(|a| &a.columns).map(|c| c.column.as_str()).collect();
    assert_eq!(columns, ["sparse"]);
}

#[test]
fn what_cannot_be_judged_is_unknown_and_said() {
    let mut random = Random(5);
    let monitor = monitor(&mut random, 500, 1e-4, 0.1);
    let live = rows(&mut random, 300, 0.0);
    let mut window = Window::new(monitor.profile());
    window.add(monitor.profile(), &samples(&live)[..3]).unwrap();
    let partial = monitor.look(&window).unwrap();
    assert_eq!(partial.verdict, Verdict::Unknown);
    assert_eq!(partial.findings[0].rule, "drift/missing-column");
    assert!(partial.findings[0].message.contains("\"class\""));
    assert_eq!(monitor.look(&Window::new(monitor.profile())).unwrap().verdict, Verdict::Unknown);
}

#[test]
fn constants_infinities_and_new_categories_are_said() {
    let class = |v: &str, n| vec![Some(v.to_owned()); n];
    let (constant, finite, old) =
        (vec![7.0; 400], (0..400).map(f64::from).collect::<Vec<_>>(), class("a", 400));
    let profile = Profile::freeze(&[
        Sample { name: "constant", values: Values::Numbers(&constant) },
        Sample { name: "x", values: Values::Numbers(&finite) },
        Sample { name: "c", values: Values::Categories(&old) },
    ])
    .unwrap();
    let mut live = finite.clone();
    live[0] = f64::INFINITY;
    let mut moved = constant.clone();
    moved[3] = 8.0;
    let mut renamed = old.clone();
    renamed[9] = Some("<b>".to_owned());
    let mut window = Window::new(&profile);
    window
        .add(
            &profile,
            &[
                Sample { name: "constant", values: Values::Numbers(&moved) },
                Sample { name: "x", values: Values::Numbers(&live) },
                Sample { name: "c", values: Values::Categories(&renamed) },
            ],
        )
        .unwrap();
    let monitor = Monitor::new(profile, AlarmBudget::new(1.0, 24.0).unwrap(), EffectFloor::default());
    let look = monitor.look(&window).unwrap();
    let rules: Vec<&str> = look.findings.iter().map(|f| f.rule.as_str()).collect();
    assert_eq!(
        rules,
        ["drift/constant-changed", "drift/infinite-value", "drift/new-category", "drift/constant-changed"]
    );
    // One row in four hundred is worth saying and not worth an alarm.
    assert_eq!(look.verdict, Verdict::Pass);
}

#[test]
fn a_budget_that_promises_nothing_is_refused() {
    for (alarms, looks) in [(0.0, 24.0), (1.0, 0.0), (f64::NAN, 1.0), (1.0, f64::INFINITY), (-1.0, 1.0)] {
        assert!(AlarmBudget::new(alarms, looks).is_err());
    }
    assert!(serde_json::from_str::<AlarmBudget>(r#"{"alarms_per_year":-1,"looks_per_day":1}"#).is_err());
    assert!((AlarmBudget::new(1.0, 24.0).unwrap().alpha() - 1.0 / 8766.0).abs() < 1e-12);
}
