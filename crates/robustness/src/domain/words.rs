//! From the words of the system file to a domain: stored numbers become inputs of the model, names become columns,
//! and what is not said is taken from the data.

use proofhouse_system::{ChangeRule, ColumnRule, DomainRules, RelationRule};

use super::{Change, Column, Compare, Cost, Domain, Grid, OneHot, Relation};
use crate::RobustnessError;

/// Tolerance of a relation, beside the largest its terms can come to.
const ROUNDING: f64 = 1e-6;

impl Domain {
    /// The domain that the rules of a system file describe, for features of these names, in order, whose stored
    /// numbers are divided by `divisor`. `observed` holds rows of the model's input, from which ranges are taken
    /// that the rules do not state.
    ///
    /// # Errors
    /// A rule about a column that is not a feature, two about one column, a relation with no comparison or more than
    /// one, a range that is neither stated nor to be seen, and what [`Domain::new`] refuses.
    pub fn read(
        rules: &DomainRules,
        names: &[String],
        divisor: f64,
        observed: &[f32],
    ) -> Result<Self, RobustnessError> {
        let option = |what: String| RobustnessError::Option(what);
        if !(divisor.is_finite() && divisor > 0.0) {
            return Err(option("features are divided by a number above 0".to_owned()));
        }
        let index = |place: &str, name: &str| {
            names.iter().position(|n| n == name).ok_or_else(|| {
                option(format!("{place} is about column {name}, which is not a feature of this dataset"))
            })
        };
        let mut of_column: Vec<Option<&ColumnRule>> = vec![None; names.len()];
        for rule in &rules.columns {
            let at = index("a rule of the domain", &rule.column)?;
            if of_column[at].replace(rule).is_some() {
                return Err(option(format!("the domain has two rules about column {}", rule.column)));
            }
        }
        let mut groups = Vec::with_capacity(rules.one_of.len());
        let mut categorical = vec![false; names.len()];
        for rule in &rules.one_of {
            let columns = rule.columns.iter().map(|name| index("a category", name));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            columns.iter().for_each(|c| categorical[*c] = true);
            groups.push(OneHot { columns, cost: rule.cost.unwrap_or(1.0) });
        }
        let columns = names
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let seen = observed.iter().skip(at).step_by(names.len());
                column(name, of_column[at], categorical[at], divisor, seen.copied())
            })
            .collect::<Result<Vec<_>, _>>()?;
        let relations = rules
            .relations
            .iter()
            .map(|rule| {
                let terms = rule.terms.iter().map(|term| {
                    let at = index(&format!("relation {:?}", rule.name), &term.column)?;
                    Ok((at, term.factor * divisor))
                });
                relation(rule, terms.collect::<Result<_, RobustnessError>>()?, &columns)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(columns, groups, relations)
    }
}

fn column(
    name: &str,
    rule: Option<&ColumnRule>,
    categorical: bool,
    divisor: f64,
    seen: impl Iterator<Item = f32> + Clone,
) -> Result<Column, RobustnessError> {
    let stated = |value: Option<f64>| value.map(|v| (v / divisor) as f32);
    let low = stated(rule.and_then(|r| r.low)).or_else(|| seen.clone().reduce(f32::min));
    let high = stated(rule.and_then(|r| r.high)).or_else(|| seen.clone().reduce(f32::max));
    let (low, high) = match (categorical, low, high) {
        (true, ..) => (0.0, 1.0),
        (false, Some(low), Some(high)) => (low, high),
        _ => {
            return Err(RobustnessError::Option(format!(
                "the range of column {name} is neither stated nor to be seen in data"
            )));
        }
    };
    let width = f64::from(high) - f64::from(low);
    let each = if width > 0.0 { 1.0 / width } else { 0.0 };
    let cost = rule.and_then(|r| r.cost).map_or(Cost { once: 0.0, up: each, down: each }, |c| Cost {
        once: c.once,
        up: c.up * divisor,
        down: c.down * divisor,
    });
    Ok(Column {
        name: name.to_owned(),
        low,
        high,
        grid: rule.and_then(|r| r.step).map(|step| Grid { origin: 0.0, step: step / divisor }),
        change: match rule.map(|r| r.change).unwrap_or_default() {
            ChangeRule::Free => Change::Free,
            ChangeRule::Never => Change::Never,
            ChangeRule::Up => Change::Up,
            ChangeRule::Down => Change::Down,
        },
        cost,
    })
}

/// A relation in the units of the model's input.
fn relation(
    rule: &RelationRule,
    mut terms: Vec<(usize, f64)>,
    columns: &[Column],
) -> Result<Relation, RobustnessError> {
    let (is, bound) = match (rule.at_most, rule.at_least, rule.equals) {
        (Some(bound), None, None) => (Compare::AtMost, bound),
        (None, Some(bound), None) => {
            terms.iter_mut().for_each(|(_, factor)| *factor = -*factor);
            (Compare::AtMost, -bound)
        }
        (None, None, Some(bound)) => (Compare::Equal, bound),
        _ => {
            return Err(RobustnessError::Option(format!(
                "relation {:?} states exactly one of at_most, at_least and equals",
                rule.name
            )));
        }
    };
    let largest =
        |at: usize| columns.get(at).map_or(0.0, |c| f64::from(c.low).abs().max(f64::from(c.high).abs()));
    let size: f64 = terms.iter().map(|(at, factor)| factor.abs() * largest(*at)).sum();
    let tolerance = rule.tolerance.unwrap_or(ROUNDING * size.max(bound.abs()));
    Ok(Relation { name: rule.name.clone(), terms, is, bound, tolerance })
}

#[cfg(test)]
mod tests {
    use proofhouse_system::{CategoryRule, CostRule, TermRule};

    use super::*;

    fn names() -> Vec<String> {
        ["age", "income", "debt", "farmer", "fisher"].map(str::to_owned).to_vec()
    }

    fn age() -> ColumnRule {
        ColumnRule {
            column: "age".to_owned(),
            low: Some(18.0),
            high: Some(98.0),
            step: Some(1.0),
            change: ChangeRule::Up,
            cost: Some(CostRule { once: 3.0, up: 2.0, down: 0.0 }),
        }
    }

    fn rules() -> DomainRules {
        DomainRules {
            columns: vec![age()],
            one_of: vec![CategoryRule {
                columns: vec!["farmer".to_owned(), "fisher".to_owned()],
                cost: None,
            }],
            relations: vec![RelationRule {
                name: "income covers debt".to_owned(),
                terms: [("income", 1.0), ("debt", -1.0)]
                    .map(|(column, factor)| TermRule { column: column.to_owned(), factor })
                    .to_vec(),
                at_most: None,
                at_least: Some(0.0),
                equals: None,
                tolerance: None,
            }],
        }
    }

    const OBSERVED: [f32; 10] = [2.0, 50.0, 10.0, 1.0, 0.0, 4.0, 100.0, 30.0, 0.0, 1.0];

    #[test]
    fn stored_numbers_become_inputs() {
        let domain = Domain::read(&rules(), &names(), 10.0, &OBSERVED).unwrap();
        let [age, income, ..] = domain.columns() else { panic!() };
        assert_eq!((age.low, age.high, age.change), (1.8, 9.8, Change::Up));
        assert_eq!(age.grid, Some(Grid { origin: 0.0, step: 0.1 }));
        // A year is 0.1 of the model's units and costs 2, once touched for 3.
        assert!((age.cost.of(3.0, 3.1) - 5.0).abs() < 1e-5);
        assert_eq!((income.low, income.high), (50.0, 100.0));
        assert!((income.cost.of(50.0, 100.0) - 1.0).abs() < 1e-12);
        assert_eq!(domain.groups(), [OneHot { columns: vec![3, 4], cost: 1.0 }]);
        let relation = &domain.relations()[0];
        assert!(relation.holds(&[3.0, 50.0, 50.0, 1.0, 0.0]));
        assert!(!relation.holds(&[3.0, 50.0, 50.1, 1.0, 0.0]));
    }

    #[test]
    fn rules_that_fit_nothing_are_named() {
        let read = |rules: &DomainRules, observed: &[f32]| {
            Domain::read(rules, &names(), 1.0, observed).unwrap_err().to_string()
        };
        let mut unknown = rules();
        unknown.columns[0].column = "aeg".to_owned();
        assert!(read(&unknown, &OBSERVED).contains("aeg, which is not a feature"));
        let twice = DomainRules { columns: vec![age(), age()], ..rules() };
        assert!(read(&twice, &OBSERVED).contains("two rules about column age"));
        let mut both = rules();
        both.relations[0].at_most = Some(1.0);
        assert!(read(&both, &OBSERVED).contains("exactly one of"));
        assert!(read(&rules(), &[]).contains("income is neither stated nor"));
    }
}
