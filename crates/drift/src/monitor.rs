//! Looks at live windows, with a promise about false alarms.
//!
//! The budget "at most one false alarm a year at 24 looks a day" gives each look α = 1 / (24 · 365.25).
//! Within a look Holm's correction holds the chance of any false column below α whatever their dependence;
//! over looks the expected number of false alarms adds up linearly, again whatever their dependence. So the
//! promise needs neither independent columns nor disjoint windows. It does need what every two-sample test
//! needs: rows inside a window that are exchangeable with those of the reference. Sessions or a day cycle
//! inside a short window break that; choose windows that span them. It holds on average over references:
//! a reference that was itself an unusual draw stays so for all its looks.
//!
//! At a million rows everything is significant, so an alarm also needs an effect above [`EffectFloor`].

use proofhouse_core::{Finding, Interval, Measurement, Place, Severity, Unit, Verdict};
use serde::{Deserialize, Serialize};

use crate::categorical::{any_category_p, chi_square, fisher_exact, total_variation};
use crate::ks::{self, Distance, Method, cross};
use crate::multiplicity::holm;
use crate::{ColumnProfile, Counts, DriftError, Numeric, Profile, Shape, Window, WindowColumn, psi};

/// How many false alarms are acceptable, and how often the monitor looks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredBudget")]
pub struct AlarmBudget {
    alarms_per_year: f64,
    looks_per_day: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredBudget {
    alarms_per_year: f64,
    looks_per_day: f64,
}

impl TryFrom<StoredBudget> for AlarmBudget {
    type Error = DriftError;

    fn try_from(b: StoredBudget) -> Result<Self, DriftError> {
        Self::new(b.alarms_per_year, b.looks_per_day)
    }
}

const DAYS_PER_YEAR: f64 = 365.25;

impl AlarmBudget {
    /// At most `alarms_per_year` false alarms expected when looking `looks_per_day` times a day.
    pub fn new(alarms_per_year: f64, looks_per_day: f64) -> Result<Self, DriftError> {
        for (name, value) in [("alarms_per_year", alarms_per_year), ("looks_per_day", looks_per_day)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(DriftError::Budget { name, value: value.to_string() });
            }
        }
        Ok(Self { alarms_per_year, looks_per_day })
    }

    /// Expected false alarms a year at most.
    #[must_use]
    pub fn alarms_per_year(&self) -> f64 {
        self.alarms_per_year
    }

    /// Looks a day.
    #[must_use]
    pub fn looks_per_day(&self) -> f64 {
        self.looks_per_day
    }

    /// The chance of a false alarm that one look may take.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        (self.alarms_per_year / (self.looks_per_day * DAYS_PER_YEAR)).min(1.0)
    }
}

/// The smallest effect worth an alarm, as a share of rows that would have to move: Kolmogorov–Smirnov distance
/// for numbers, total variation for categories, difference in share for nulls.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectFloor(pub f64);

impl Default for EffectFloor {
    /// One row in ten.
    fn default() -> Self {
        Self(0.1)
    }
}

/// A frozen reference with its budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    profile: Profile,
    budget: AlarmBudget,
    floor: EffectFloor,
}

/// What one look saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Every column of the reference, in its order.
    pub columns: Vec<ColumnDrift>,
    /// The chance of a false alarm this look was allowed.
    pub alpha: f64,
    /// The smallest effect worth an alarm.
    pub floor: EffectFloor,
    /// Whether any column alarmed.
    pub alarmed: bool,
    /// The alarm, when there is one.
    pub alarm: Option<Alarm>,
    /// Fail when a column alarmed; unknown when one could not be judged; else pass.
    pub verdict: Verdict,
    /// Alarms, columns that could not be judged, new categories, infinities.
    pub findings: Vec<Finding>,
    /// Distance and PSI per column that was judged.
    pub measurements: Vec<Measurement>,
}

/// One column in one look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDrift {
    /// The column.
    pub column: String,
    /// Values in the reference, nulls left out.
    pub n_ref: u64,
    /// Values in the window, nulls left out.
    pub n_cur: u64,
    /// Nulls in the reference.
    pub nulls_ref: u64,
    /// Nulls in the window.
    pub nulls: u64,
    /// Kolmogorov–Smirnov distance for numbers, total variation for categories.
    pub distance: f64,
    /// The distance is at most this: above `distance` only where the reference is kept as quantiles.
    pub distance_high: f64,
    /// The distance at which this column alone would reach significance at these sizes; numbers only.
    pub detectable: Option<f64>,
    /// p-value of the distribution: Kolmogorov–Smirnov, or Fisher per category with Bonferroni.
    pub p: f64,
    /// p-value of the share of nulls, by Fisher's exact test.
    pub nulls_p: f64,
    /// Asymptotic chi-square p-value, for categories; reported, never decisive.
    pub chi_square_p: Option<f64>,
    /// Population stability index on the frozen bins.
    pub psi: f64,
    /// The PSI that chance exceeds with the probability this column may alarm falsely.
    pub psi_null_q: f64,
    /// p-value of the column (either test) after Holm's correction over the columns.
    pub adjusted_p: f64,
    /// Significant under the budget, and above the floor.
    pub alarmed: bool,
}

/// An alarm: which columns, and what the alarm is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Alarmed columns, largest effect first.
    pub columns: Vec<RankedColumn>,
    /// False alarms a year to expect from this monitor, at most.
    pub expected_false_alarms_per_year: f64,
}

/// A column of an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankedColumn {
    /// The column.
    pub column: String,
    /// The effect: the larger of the distance and the change in the share of nulls.
    pub effect: f64,
    /// Its p-value after correction.
    pub adjusted_p: f64,
}

impl Monitor {
    /// A monitor on a frozen reference.
    #[must_use]
    pub fn new(profile: Profile, budget: AlarmBudget, floor: EffectFloor) -> Self {
        Self { profile, budget, floor }
    }

    /// The frozen reference.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The budget.
    #[must_use]
    pub fn budget(&self) -> AlarmBudget {
        self.budget
    }

    /// Compares a window with the reference.
    pub fn look(&self, window: &Window) -> Result<Look, DriftError> {
        window.check(&self.profile)?;
        let alpha = self.budget.alpha();
        let frozen = self.profile.columns();
        let column_alpha = alpha / frozen.len() as f64;
        let mut columns: Vec<ColumnDrift> = frozen
            .iter()
            .zip(window.columns())
            .map(|(reference, current)| compare(reference, current, column_alpha))
            .collect();
        let raw: Vec<f64> = columns.iter().map(ColumnDrift::combined_p).collect();
        for (column, adjusted) in columns.iter_mut().zip(holm(&raw)) {
            column.adjusted_p = adjusted;
            column.alarmed = adjusted <= alpha && column.significant_effect(column_alpha) >= self.floor.0;
        }
        let mut ranked: Vec<RankedColumn> = columns
            .iter()
            .filter(|c| c.alarmed)
            .map(|c| RankedColumn { column: c.column.clone(), effect: c.effect(), adjusted_p: c.adjusted_p })
            .collect();
        ranked.sort_by(|a, b| b.effect.total_cmp(&a.effect).then_with(|| a.column.cmp(&b.column)));
        let alarmed = !ranked.is_empty();
        let unjudged = columns.iter().any(|c| c.n_cur + c.nulls == 0);
        let findings = columns
            .iter()
            .zip(frozen.iter().zip(window.columns()))
            .flat_map(|(drift, (reference, current))| findings(drift, reference, current, self.floor))
            .collect();
        Ok(Look {
            measurements: columns.iter().filter(|c| c.n_cur > 0).flat_map(measurements).collect(),
            alpha,
            floor: self.floor,
            alarmed,
            alarm: alarmed.then_some(Alarm {
                columns: ranked,
                expected_false_alarms_per_year: self.budget.alarms_per_year,
            }),
            verdict: match (alarmed, unjudged) {
                (true, _) => Verdict::Fail,
                (false, true) => Verdict::Unknown,
                (false, false) => Verdict::Pass,
            },
            findings,
            columns,
        })
    }
}

impl ColumnDrift {
    /// One p-value for "values or nulls differ". Without any null there is one test, else two; the choice
    /// depends only on the number of nulls, on which both tests are conditional.
    fn combined_p(&self) -> f64 {
        if self.nulls_ref + self.nulls == 0 { self.p } else { (2.0 * self.p.min(self.nulls_p)).min(1.0) }
    }

    fn nulls_effect(&self) -> f64 {
        let share = |nulls: u64, n: u64| if nulls + n == 0 { 0.0 } else { nulls as f64 / (nulls + n) as f64 };
        if self.n_cur + self.nulls == 0 {
            return 0.0;
        }
        (share(self.nulls_ref, self.n_ref) - share(self.nulls, self.n_cur)).abs()
    }

    fn effect(&self) -> f64 {
        self.distance.max(self.nulls_effect())
    }

    /// The effect counts only where its own test is significant: a column is not alarmed for a large distance
    /// that chance explains because its nulls moved a little.
    fn significant_effect(&self, column_alpha: f64) -> f64 {
        let tests = if self.nulls_ref + self.nulls == 0 { 1.0 } else { 2.0 };
        // Holm lets the later columns have more than `column_alpha`; adjusted_p ≤ α says the smaller of the two
        // is significant, so it always counts.
        let counts = |p: f64| p * tests <= column_alpha || p <= self.p.min(self.nulls_p);
        let of_values = if counts(self.p) { self.distance } else { 0.0 };
        let of_nulls = if counts(self.nulls_p) { self.nulls_effect() } else { 0.0 };
        of_values.max(of_nulls)
    }
}

fn compare(reference: &ColumnProfile, current: &WindowColumn, column_alpha: f64) -> ColumnDrift {
    let (n_ref, n_cur) = (reference.present(), current.present());
    let mut drift = ColumnDrift {
        column: reference.name.clone(),
        n_ref,
        n_cur,
        nulls_ref: reference.nulls,
        nulls: current.nulls,
        distance: 0.0,
        distance_high: 0.0,
        detectable: None,
        p: 1.0,
        nulls_p: fisher_exact(reference.nulls, reference.rows, current.nulls, current.rows),
        chi_square_p: None,
        psi: 0.0,
        psi_null_q: 0.0,
        adjusted_p: 1.0,
        alarmed: false,
    };
    if n_cur == 0 {
        return drift;
    }
    match (&reference.shape, &current.counts) {
        (Shape::Numeric(numeric), Counts::Numeric { cells, psi: bins, .. }) => {
            let (low, high) = distance_on_cells(numeric, cells, n_ref, n_cur);
            drift.distance = low.statistic();
            drift.distance_high = high.statistic();
            // The lower end: an interval that might be drift is not yet an alarm.
            drift.p = low.p_value(Method::Auto);
            drift.detectable = Some(ks::critical_distance(n_ref, n_cur, column_alpha));
            drift.psi = psi::psi(&numeric.psi_counts, bins);
            drift.psi_null_q = psi::null_quantile(n_ref, n_cur, bins.len(), column_alpha);
        }
        (Shape::Categorical(categorical), Counts::Categorical { counts, other, .. }) => {
            let reference: Vec<u64> = categorical.counts.iter().copied().chain([categorical.other]).collect();
            let current: Vec<u64> = counts.iter().copied().chain([*other]).collect();
            let occurring = reference.iter().zip(&current).filter(|(r, c)| **r + **c > 0).count();
            drift.distance = total_variation(&reference, &current);
            drift.distance_high = drift.distance;
            drift.p = any_category_p(&reference, &current);
            drift.chi_square_p = Some(chi_square(&reference, &current).p_value);
            drift.psi = psi::psi(&reference, &current);
            drift.psi_null_q = psi::null_quantile(n_ref, n_cur, occurring, column_alpha);
        }
        // `Window::check` has matched the kinds.
        _ => {}
    }
    drift
}

/// Lower and upper end of the Kolmogorov–Smirnov distance from counts in cells. At the points both
/// distribution functions are known. Strictly between two points the reference rises from a to a + r and the
/// window from b to b + c, in an unknown order, so their gap there is at most max(|a + r − b|, |b + c − a|).
fn distance_on_cells(numeric: &Numeric, current: &[u64], n_ref: u64, n_cur: u64) -> (Distance, Distance) {
    let (mut i, mut j) = (0u64, 0u64);
    let (mut low, mut high) = (0u128, 0u128);
    for (cell, (r, c)) in numeric.cells.iter().zip(current).enumerate() {
        // Even cells lie between points. At a point both rise at once.
        if cell % 2 == 0 && *r > 0 && *c > 0 {
            high = high.max(cross(i + r, j, n_ref, n_cur)).max(cross(i, j + c, n_ref, n_cur));
        }
        i += r;
        j += c;
        low = low.max(cross(i, j, n_ref, n_cur));
    }
    let distance = |gap| Distance { gap, n_ref, n_cur };
    (distance(low), distance(high.max(low)))
}

fn measurements(drift: &ColumnDrift) -> [Measurement; 2] {
    let of = |name: &str, value: f64| {
        let mut m =
            Measurement::new(name, value, Unit::Statistic).of_slice(format!("column={}", drift.column));
        m.n = Some(drift.n_cur);
        m
    };
    let mut distance = of("drift-distance", drift.distance);
    if drift.distance_high > drift.distance {
        distance.interval = Some(Interval {
            low: drift.distance,
            high: drift.distance_high,
            confidence: 1.0,
            method: "frozen-quantiles".to_owned(),
        });
    }
    [distance, of("psi", drift.psi)]
}

fn findings(
    drift: &ColumnDrift,
    reference: &ColumnProfile,
    current: &WindowColumn,
    floor: EffectFloor,
) -> Vec<Finding> {
    let finding = |rule: &str, severity, message: String, remediation: &str| Finding {
        rule: format!("drift/{rule}"),
        severity,
        message,
        place: Place::file("window").within(&drift.column),
        remediation: remediation.to_owned(),
        references: vec![],
    };
    let mut out = Vec::new();
    if current.rows == 0 {
        out.push(finding(
            "missing-column",
            Severity::High,
            format!("column {:?} of the reference is missing from the window", drift.column),
            "Send the column with every event, or freeze a reference without it.",
        ));
        return out;
    }
    if drift.alarmed {
        out.push(finding(
            "shift",
            Severity::High,
            format!(
                "column {:?} moved: distance {:.3} (floor {}), nulls {} of {} rows, corrected p {:.2e}, PSI {:.3} \
                 where chance reaches {:.3}",
                drift.column, drift.distance, floor.0, drift.nulls, current.rows, drift.adjusted_p, drift.psi,
                drift.psi_null_q
            ),
            "Compare the slices that moved, then decide: roll back, recall, or retrain and freeze a new reference.",
        ));
    }
    match (&reference.shape, &current.counts) {
        (Shape::Categorical(frozen), Counts::Categorical { other, new, .. })
            if *other > 0 && frozen.other == 0 =>
        {
            let names: Vec<String> = new.keys().map(|name| format!("{name:?}")).collect();
            out.push(finding(
                "new-category",
                Severity::Medium,
                format!(
                    "{other} rows of column {:?} hold categories the reference never saw, such as {}",
                    drift.column,
                    names.iter().take(5).cloned().collect::<Vec<_>>().join(", ")
                ),
                "Find out who sends them; the model was not tested on them.",
            ));
        }
        (Shape::Numeric(frozen), Counts::Numeric { infinite, .. })
            if *infinite > 0 && frozen.infinite == 0 =>
        {
            out.push(finding(
                "infinite-value",
                Severity::Medium,
                format!("{infinite} rows of column {:?} are infinite; the reference has none", drift.column),
                "Look for a division by zero or an overflow before the model.",
            ));
        }
        _ => {}
    }
    if reference.is_constant() && drift.distance > 0.0 {
        out.push(finding(
            "constant-changed",
            Severity::Low,
            format!("column {:?} was constant in the reference and no longer is", drift.column),
            "The model learned nothing from this column; what it does with other values is untested.",
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(values: &[i32]) -> Vec<f64> {
        let mut values: Vec<f64> = values.iter().copied().map(f64::from).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    /// Counts `reference` on some of its values only, as a column above the cap is.
    fn on_points(reference: &[f64], every: usize) -> Numeric {
        let mut points: Vec<f64> = reference.iter().copied().step_by(every).collect();
        points.dedup();
        let mut numeric = Numeric {
            cells: vec![0; 2 * points.len() + 1],
            points,
            psi_edges: vec![],
            psi_counts: vec![reference.len() as u64],
            infinite: 0,
        };
        for value in reference {
            let cell = numeric.cell(*value);
            numeric.cells[cell] += 1;
        }
        numeric
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_exact_distance(
            reference in proptest::collection::vec(-20i32..20, 1..80),
            current in proptest::collection::vec(-25i32..25, 1..80),
            every in 1usize..9,
        ) {
            let (reference, current) = (sorted(&reference), sorted(&current));
            let numeric = on_points(&reference, every);
            let mut cells = vec![0u64; numeric.cells.len()];
            for value in &current {
                cells[numeric.cell(*value)] += 1;
            }
            let (low, high) =
                distance_on_cells(&numeric, &cells, reference.len() as u64, current.len() as u64);
            let exact = Distance::of_sorted(&reference, &current);
            prop_assert!(low.gap <= exact.gap && exact.gap <= high.gap, "{low:?} {exact:?} {high:?}");
            if every == 1 {
                prop_assert_eq!(low, exact);
                prop_assert_eq!(high, exact);
            }
        }
    }
}
