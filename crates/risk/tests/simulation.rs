//! The simulation against closed forms and against figures of an independent implementation.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; the lint knows test functions, not their helpers"
)]

use proofhouse_core::{Unit, Verdict};
use proofhouse_risk::{
    Loss, Pert, Scenario, Settings, SharedShock, TolerancePoint, Vulnerability, compare, simulate,
    with_vulnerability,
};

fn pert(low: f64, mode: f64, high: f64) -> Pert {
    Pert::new(low, mode, high).unwrap()
}

fn known(value: f64) -> Pert {
    pert(value, value, value)
}

fn scenario(id: &str, frequency: Pert, vulnerability: Pert, loss: Pert) -> Scenario {
    Scenario {
        id: id.into(),
        name: id.to_uppercase(),
        threats: vec![],
        frequency,
        vulnerability: Vulnerability::Prior(vulnerability),
        loss: Loss::Pert(loss),
        shared_shock: None,
    }
}

fn reference(id: &str) -> Scenario {
    scenario(id, pert(2.0, 5.0, 12.0), pert(0.05, 0.1, 0.3), pert(20e3, 80e3, 900e3))
}

fn settings(years: usize, seed: u64) -> Settings {
    Settings { years, seed, currency: "EUR".into() }
}

/// Figures of a NumPy simulation of the same model with a million years.
#[test]
fn it_agrees_with_an_independent_implementation() {
    let s = simulate(&[reference("s")], &settings(400_000, 7)).unwrap();
    let near =
        |got: f64, want: f64, relative: f64| assert!((got - want).abs() <= relative * want, "{got} {want}");
    near(s.mean.value, 146_000.0, 0.01);
    near(s.p95.value, 600_000.0, 0.01);
    near(s.p99.value, 925_000.0, 0.015);
    near(s.p_no_loss.value, 0.52, 0.01);
    near(s.probability_above(500_000.0).value, 0.081, 0.02);
    near(s.probability_above(1_000_000.0).value, 0.0068, 0.06);
    assert_eq!(s.mean.unit, Unit::Money("EUR".into()));
}

#[test]
fn a_constant_loss_is_a_poisson_distribution() {
    let s = simulate(&[scenario("s", known(2.0), known(0.5), known(10.0))], &settings(200_000, 3)).unwrap();
    // P(N > k) for Poisson(1).
    let e = (-1.0f64).exp();
    for (loss, p) in
        [(0.0, 1.0 - e), (10.0, 1.0 - 2.0 * e), (20.0, 1.0 - 2.5 * e), (30.0, 1.0 - 8.0 / 3.0 * e)]
    {
        let m = s.probability_above(loss);
        // Three and a half standard errors.
        let error = 3.5 * (p * (1.0 - p) / 200_000.0f64).sqrt();
        assert!((m.value - p).abs() < error, "{loss}: {} {p}", m.value);
    }
    assert!((s.mean.value - 10.0).abs() < 3.5 * 10.0 / 200_000f64.sqrt());
    assert_eq!(s.p50.value, 10.0);
}

#[test]
fn a_lognormal_loss_has_the_percentiles_it_was_given() {
    let mut one = scenario("s", known(10_000.0), known(1e-4), known(1.0));
    one.loss = Loss::Interval90 { low: 1000.0, high: 50_000.0 };
    one.frequency = known(1.0);
    one.vulnerability = Vulnerability::Prior(known(0.01));
    let s = simulate(&[one], &settings(1_000_000, 5)).unwrap();
    // At one event in a hundred years, years with a loss have one loss: conditional percentiles are those given.
    let with_loss = 1.0 - s.p_no_loss.value;
    let above = |loss: f64| s.probability_above(loss).value / with_loss;
    assert!((above(1000.0) - 0.95).abs() < 0.012, "{}", above(1000.0));
    assert!((above(50_000.0) - 0.05).abs() < 0.012, "{}", above(50_000.0));
}

#[test]
fn a_measured_vulnerability_is_the_jeffreys_posterior() {
    let measured = Vulnerability::Measured { successes: 0, trials: 500 };
    let base = [scenario("s", known(100.0), known(0.1), known(1.0))];
    let after = with_vulnerability(&base, "s", measured).unwrap();
    let s = simulate(&after, &settings(200_000, 1)).unwrap();
    let expected = 100.0 * 0.5 / 501.0;
    let band = s.mean.interval.unwrap();
    assert!((s.mean.value - expected).abs() < 2.0 * (band.high - band.low), "{} {expected}", s.mean.value);
    assert!(s.mean.value > 0.0, "no success in 500 trials is not never");
}

#[test]
fn the_same_bits_for_any_thread_count_and_order() {
    let forward = [reference("a"), reference("b"), reference("c")];
    let backward = [reference("c"), reference("a"), reference("b")];
    let run = |threads: usize, scenarios: &[Scenario]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| simulate(scenarios, &settings(20_000, 9)).unwrap())
    };
    let one = run(1, &forward);
    assert_eq!(one, run(7, &forward));
    assert_eq!(one, run(3, &backward));
    assert_ne!(one.mean, simulate(&forward, &settings(20_000, 10)).unwrap().mean);
}

#[test]
fn a_shared_cause_keeps_the_mean_and_thickens_the_tail() {
    let alone: Vec<Scenario> = (0..5).map(|i| reference(&format!("s{i}"))).collect();
    let together: Vec<Scenario> = alone
        .iter()
        .cloned()
        .map(|s| Scenario { shared_shock: Some(SharedShock { group: "model".into(), variance: 1.0 }), ..s })
        .collect();
    let a = simulate(&alone, &settings(100_000, 2)).unwrap();
    let b = simulate(&together, &settings(100_000, 2)).unwrap();
    assert!((a.mean.value / b.mean.value - 1.0).abs() < 0.02);
    assert!(b.p99.value > 1.3 * a.p99.value, "{} {}", a.p99.value, b.p99.value);
}

#[test]
fn drivers_add_up_and_are_ranked() {
    let small = scenario("small", pert(1.0, 2.0, 3.0), pert(0.1, 0.1, 0.2), pert(1e3, 2e3, 9e3));
    let s = simulate(&[small, reference("large")], &settings(50_000, 4)).unwrap();
    assert_eq!(s.drivers[0].scenario, "large");
    assert!((s.drivers.iter().map(|d| d.share).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!((s.drivers.iter().map(|d| d.tail_share).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(s.exceedance.windows(2).all(|w| w[0].loss < w[1].loss && w[0].probability >= w[1].probability));
}

#[test]
fn tolerance_is_judged_by_the_band() {
    let s = simulate(&[reference("s")], &settings(20_000, 6)).unwrap();
    let p = s.probability_above(500_000.0).value;
    let judge =
        |max_probability| s.judge(&[TolerancePoint { loss: 500_000.0, max_probability }]).unwrap().verdict;
    assert_eq!(judge(0.2), Verdict::Pass);
    assert_eq!(judge(0.01), Verdict::Fail);
    assert_eq!(judge(p), Verdict::Unknown);
    assert_eq!(s.judge(&[]).unwrap().verdict, Verdict::Unknown);
    assert!(s.judge(&[TolerancePoint { loss: f64::NAN, max_probability: 0.1 }]).is_err());
}

#[test]
fn a_comparison_pairs_the_years() {
    let base = [reference("a"), reference("b")];
    let before = simulate(&base, &settings(50_000, 8)).unwrap();
    let control = Vulnerability::Measured { successes: 2, trials: 400 };
    let after = simulate(&with_vulnerability(&base, "a", control).unwrap(), &settings(50_000, 8)).unwrap();
    let change = compare(&before, &after).unwrap();
    let paired = change.mean_reduction.interval.clone().unwrap();
    assert!(paired.low > 100_000.0 && paired.high < 180_000.0, "{paired:?}");
    assert!(change.mean_reduction_share.unwrap() > 0.4);
    let other_seed = simulate(&base, &settings(50_000, 11)).unwrap();
    let nothing = compare(&before, &other_seed).unwrap().mean_reduction.interval.unwrap();
    assert!(nothing.low < 0.0 && nothing.high > 0.0);
    assert_eq!(compare(&before, &before).unwrap().mean_reduction.value, 0.0);
}

#[test]
fn sizes_out_of_reach_are_refused() {
    assert!(simulate(&[reference("a")], &settings(999, 1)).is_err());
    assert!(simulate(&[reference("a")], &settings(usize::MAX, 1)).is_err());
    assert!(simulate(&[], &settings(10_000, 1)).is_err());
}
