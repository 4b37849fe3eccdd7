//! Every statistic against SciPy's figures on ten thousand rows a side; `data/README.md` says how they were made.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; the lint knows test functions, not their helpers"
)]

use proofhouse_drift::ks::{Distance, Method};
use proofhouse_drift::{
    AlarmBudget, EffectFloor, Monitor, Profile, Sample, Values, Window, categorical, distance, psi,
};
use serde_json::Value;

const REFERENCE: &str = include_str!("data/reference.csv");
const CURRENT: &str = include_str!("data/current.csv");
const SCIPY: &str = include_str!("data/scipy.json");

fn column<'a>(csv: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = csv.lines();
    let index = lines.next().unwrap().split(',').position(|n| n == name).unwrap();
    lines.map(|line| line.split(',').nth(index).unwrap()).collect()
}

fn numbers(csv: &str, name: &str) -> Vec<f64> {
    column(csv, name).into_iter().map(|v| if v.is_empty() { f64::NAN } else { v.parse().unwrap() }).collect()
}

fn categories(csv: &str, name: &str) -> Vec<Option<String>> {
    column(csv, name).into_iter().map(|v| (!v.is_empty()).then(|| v.to_owned())).collect()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Statistics: relative 1e-9.
fn same_statistic(what: &str, got: f64, want: &Value) {
    let want = want.as_f64().unwrap();
    assert!((got - want).abs() <= 1e-9 * want.abs().max(1e-12), "{what}: {got} instead of {want}");
}

/// p-values: relative 1e-6 above 1e-12; below, log10 within half a percent.
fn same_p(what: &str, got: f64, want: &Value) {
    let want = want.as_f64().unwrap();
    let good = if want > 1e-12 {
        (got - want).abs() <= 1e-6 * want
    } else {
        (got.log10() - want.log10()).abs() <= 0.005 * want.log10().abs()
    };
    assert!(good, "{what}: {got} instead of {want}");
}

fn scipy() -> Value {
    serde_json::from_str(SCIPY).unwrap()
}

#[test]
fn numeric_columns() {
    let scipy = scipy();
    let mut compared = 0;
    for (name, want) in scipy.as_object().unwrap() {
        if want["ks_asymp"].is_null() {
            continue;
        }
        let (a, b) = (sorted(&numbers(REFERENCE, name)), sorted(&numbers(CURRENT, name)));
        let ks = Distance::of_sorted(&a, &b);
        same_statistic(name, ks.statistic(), &want["ks_asymp"]["statistic"]);
        same_p(name, ks.p_value(Method::Asymptotic), &want["ks_asymp"]["pvalue"]);
        same_p(name, ks.p_value(Method::Auto), &want["ks_auto"]["pvalue"]);
        same_statistic(name, distance::wasserstein_1(&a, &b), &want["wasserstein_1"]);
        compared += 1;
        let deciles = &want["deciles"];
        if deciles.is_null() {
            continue;
        }
        let edges = psi::decile_edges(&a);
        for (edge, want) in edges.iter().zip(deciles["inner_edges"].as_array().unwrap()) {
            same_statistic(name, *edge, want);
        }
        let count = |values: &[f64]| {
            let mut bins = vec![0u64; edges.len() + 1];
            values.iter().for_each(|v| bins[psi::bin(&edges, *v)] += 1);
            bins
        };
        let (r, c) = (count(&a), count(&b));
        same_statistic(name, psi::psi(&r, &c), &deciles["psi_floor1e-4"]);
        same_statistic(name, distance::jensen_shannon(&r, &c), &deciles["js_distance_base2"]);
        same_statistic(name, categorical::total_variation(&r, &c), &deciles["tvd"]);
        let chi = categorical::chi_square(&r, &c);
        same_statistic(name, chi.statistic, &deciles["chi2"]);
        same_p(name, chi.p_value, &deciles["chi2_p"]);
        assert_eq!(Some(chi.degrees), deciles["dof"].as_u64());
    }
    assert_eq!(compared, 6);
}

#[test]
fn categorical_columns() {
    let scipy = scipy();
    for name in ["cat_3", "cat_new", "cat_200", "int_few"] {
        let want = &scipy[name]["categorical"];
        let (a, b) = (categories(REFERENCE, name), categories(CURRENT, name));
        let mut counts: std::collections::BTreeMap<&str, (u64, u64)> = Default::default();
        a.iter().flatten().for_each(|v| counts.entry(v).or_default().0 += 1);
        b.iter().flatten().for_each(|v| counts.entry(v).or_default().1 += 1);
        let (r, c): (Vec<u64>, Vec<u64>) = counts.into_values().unzip();
        let chi = categorical::chi_square(&r, &c);
        same_statistic(name, chi.statistic, &want["chi2"]);
        same_p(name, chi.p_value, &want["chi2_p"]);
        assert_eq!(Some(chi.degrees), want["dof"].as_u64(), "{name}");
        same_statistic(name, psi::psi(&r, &c), &want["psi_floor1e-4"]);
        same_statistic(name, distance::jensen_shannon(&r, &c), &want["js_distance_base2"]);
        same_statistic(name, categorical::total_variation(&r, &c), &want["tvd"]);
    }
}

/// The same figures through frozen points and mergeable counts.
#[test]
fn a_look_gives_the_same_figures() {
    let scipy = scipy();
    let names: Vec<&str> = scipy.as_object().unwrap().keys().map(String::as_str).collect();
    let is_number = |name: &str| !scipy[name]["ks_asymp"].is_null();
    let load = |csv: &str| -> (Vec<Vec<f64>>, Vec<Vec<Option<String>>>) {
        (
            names.iter().map(|n| if is_number(n) { numbers(csv, n) } else { vec![] }).collect(),
            names.iter().map(|n| if is_number(n) { vec![] } else { categories(csv, n) }).collect(),
        )
    };
    let (reference, current) = (load(REFERENCE), load(CURRENT));
    let samples = |data: &(Vec<Vec<f64>>, Vec<Vec<Option<String>>>), f: &mut dyn FnMut(&[Sample<'_>])| {
        let all: Vec<Sample<'_>> = names
            .iter()
            .enumerate()
            .map(|(i, name)| Sample {
                name,
                values: if is_number(name) {
                    Values::Numbers(&data.0[i])
                } else {
                    Values::Categories(&data.1[i])
                },
            })
            .collect();
        f(&all);
    };
    let mut profile = None;
    samples(&reference, &mut |s| profile = Some(Profile::freeze(s).unwrap()));
    let profile = profile.unwrap();
    let mut window = Window::new(&profile);
    samples(&current, &mut |s| window.add(&profile, s).unwrap());
    let monitor = Monitor::new(profile, AlarmBudget::new(1.0, 24.0).unwrap(), EffectFloor(0.05));
    let look = monitor.look(&window).unwrap();
    for drift in &look.columns {
        let want = &scipy[&drift.column];
        assert_eq!(Some(drift.nulls_ref), want["null_ref"].as_u64());
        assert_eq!(Some(drift.nulls), want["null_cur"].as_u64());
        if is_number(&drift.column) {
            same_statistic(&drift.column, drift.distance, &want["ks_asymp"]["statistic"]);
            assert_eq!(drift.distance, drift.distance_high);
            same_p(&drift.column, drift.p, &want["ks_auto"]["pvalue"]);
        } else {
            same_statistic(&drift.column, drift.distance, &want["categorical"]["tvd"]);
        }
    }
    // cat_new lost a category and gained another, int_few and the nulls of num_nan moved by five rows in a hundred;
    // num_same and cat_200 have one distribution on both sides.
    let alarmed: Vec<&str> = look.alarm.iter().flat_map(|a| &a.columns).map(|c| c.column.as_str()).collect();
    assert!(alarmed.contains(&"cat_new") && alarmed.contains(&"int_few"), "{alarmed:?}");
    assert!(!alarmed.contains(&"num_same") && !alarmed.contains(&"cat_200"), "{alarmed:?}");
    let new = look.findings.iter().find(|f| f.rule == "drift/new-category").unwrap();
    assert!(new.message.contains("cat_new"), "{}", new.message);
}
