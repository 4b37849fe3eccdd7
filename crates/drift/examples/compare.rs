//! Reads `{"reference": [...], "current": [...]}` (numbers, `null` for a missing value) on standard input and
//! writes every two-sample statistic of this crate as JSON, for comparison with other tools.

use std::io::Read as _;

use proofhouse_drift::ks::{Distance, Method};
use proofhouse_drift::{categorical, distance, psi};

#[derive(serde::Deserialize)]
struct Input {
    reference: Vec<Option<f64>>,
    current: Vec<Option<f64>>,
}

#[expect(clippy::print_stdout, reason = "a command-line example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let input: Input = serde_json::from_str(&text)?;
    let (reference, current) = (sorted(input.reference), sorted(input.current));

    let ks = Distance::of_sorted(&reference, &current);
    let edges = psi::decile_edges(&reference);
    let count = |values: &[f64], edges: &[f64]| {
        let mut bins = vec![0u64; edges.len() + 1];
        for value in values {
            bins[psi::bin(edges, *value)] += 1;
        }
        bins
    };
    let (r, c) = (count(&reference, &edges), count(&current, &edges));
    let chi = categorical::chi_square(&r, &c);
    println!(
        "{}",
        serde_json::json!({
            "ks": ks.statistic(),
            "ks_p_asymptotic": ks.p_value(Method::Asymptotic),
            "ks_p_auto": ks.p_value(Method::Auto),
            "edges": edges,
            "psi": psi::psi(&r, &c),
            "js_distance": distance::jensen_shannon(&r, &c),
            "chi2": chi.statistic,
            "chi2_p": chi.p_value,
            "dof": chi.degrees,
            "total_variation": categorical::total_variation(&r, &c),
            "wasserstein_1": distance::wasserstein_1(&reference, &current),
        })
    );
    Ok(())
}

fn sorted(values: Vec<Option<f64>>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().flatten().collect();
    values.sort_by(f64::total_cmp);
    values
}
