//! Rows told apart by columns that the system file names: groups of people, segments of a market.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_dataset::ColumnData;
use proofhouse_system::GroupColumn;

use crate::LifecycleError;
use crate::data::LoadedDataset;

/// More values than this are numbers rather than groups.
const MOST_VALUES: usize = 40;

/// Rows told apart by one column, or by several together.
pub(super) struct Grouping {
    /// What the groups are called.
    pub names: Vec<String>,
    /// The group of each row.
    pub of: Vec<usize>,
}

/// The group of a row: where it comes in the order of groups, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    rank: Vec<usize>,
    name: String,
}

/// The rows of a dataset told apart by each column, and, `crossed`, by all of them together. `path` is where the system file
/// names the columns.
pub(super) fn groupings(
    path: &str,
    columns: &[GroupColumn],
    crossed: bool,
    data: &LoadedDataset,
) -> Result<Vec<Grouping>, LifecycleError> {
    let columns: Vec<Vec<Named>> =
        columns.iter().map(|group| values(path, group, data)).collect::<Result<_, _>>()?;
    let mut groupings: Vec<Grouping> = columns.iter().map(|names| Grouping::of(names.clone())).collect();
    if crossed && columns.len() > 1 {
        let row = |at: usize| {
            let parts: Vec<&Named> = columns.iter().map(|column| &column[at]).collect();
            let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
            Named { rank: parts.iter().flat_map(|part| part.rank.clone()).collect(), name: names.join(", ") }
        };
        groupings.push(Grouping::of((0..data.table().rows()).map(row).collect()));
    }
    Ok(groupings)
}

impl Grouping {
    /// Numbers the distinct groups of all rows in their order.
    fn of(rows: Vec<Named>) -> Self {
        let mut numbers: BTreeMap<&Named, usize> = rows.iter().map(|name| (name, 0)).collect();
        for (number, at) in numbers.values_mut().enumerate() {
            *at = number;
        }
        let of = rows.iter().map(|name| numbers.get(name).copied().unwrap_or_default()).collect();
        Self { names: numbers.into_keys().map(|named| named.name.clone()).collect(), of }
    }
}

/// The name of each row's group.
fn values(path: &str, group: &GroupColumn, data: &LoadedDataset) -> Result<Vec<Named>, LifecycleError> {
    let table = data.table();
    let wrong = |why: String| LifecycleError::Order(format!("{path}: {why}"));
    let column = table.column(&group.column).ok_or_else(|| {
        let names = table.names().join(", ");
        wrong(format!("the dataset {} has no column {:?}; it has {names}", data.id(), group.column))
    })?;
    let name = |value: Option<(usize, String)>| match value {
        Some((rank, value)) => {
            Named { rank: vec![rank], name: format!("{}: {}", group.column, told(&value)) }
        }
        None => Named { rank: vec![usize::MAX], name: format!("{} not stated", group.column) },
    };
    if let Some(edges) = &group.edges {
        let numbers = numbers(&column.data).ok_or_else(|| {
            wrong(format!("the column {:?} holds no numbers, so edges divide nothing", group.column))
        })?;
        let rows = numbers.into_iter().map(|number| name(number.map(|n| between(edges, n))));
        return few(rows.collect(), group, path);
    }
    let rows: Vec<Named> = match &column.data {
        ColumnData::Int(values) => values.iter().map(|v| name(v.map(|v| (0, v.to_string())))).collect(),
        ColumnData::Bool(values) => values.iter().map(|v| name(v.map(|v| (0, v.to_string())))).collect(),
        ColumnData::Text(values) => values.iter().map(|v| name(v.clone().map(|v| (0, v)))).collect(),
        ColumnData::Float(_) => {
            return Err(wrong(format!(
                "the column {:?} holds numbers with fractions; say under edges where groups begin",
                group.column
            )));
        }
    };
    few(rows, group, path)
}

/// Rows of groups that are few enough to be groups.
fn few(rows: Vec<Named>, group: &GroupColumn, path: &str) -> Result<Vec<Named>, LifecycleError> {
    let distinct = rows.iter().collect::<BTreeSet<_>>().len();
    if distinct > MOST_VALUES {
        return Err(LifecycleError::Order(format!(
            "{path}: the column {:?} has {distinct} values, too many to be groups; say under edges where a few groups \
             begin, or name a column with at most {MOST_VALUES}",
            group.column
        )));
    }
    Ok(rows)
}

/// A value as it may be shown: what would move a cursor, or turn the direction of a line, is written out.
fn told(value: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut told = String::new();
    for c in value.chars() {
        if hidden(c) { told.extend(c.escape_unicode()) } else { told.push(c) }
    }
    told
}

fn numbers(data: &ColumnData) -> Option<Vec<Option<f64>>> {
    match data {
        ColumnData::Int(values) => Some(values.iter().map(|v| v.map(|v| v as f64)).collect()),
        ColumnData::Float(values) => Some(values.iter().map(|v| v.filter(|v| !v.is_nan())).collect()),
        ColumnData::Bool(_) | ColumnData::Text(_) => None,
    }
}

/// Place and name of the group that a number falls into.
fn between(edges: &[f64], number: f64) -> (usize, String) {
    let at = edges.partition_point(|edge| *edge <= number);
    let name = match (at.checked_sub(1).and_then(|below| edges.get(below)), edges.get(at)) {
        (Some(low), Some(high)) => format!("{low} to below {high}"),
        (None, Some(high)) => format!("below {high}"),
        (Some(low), None) => format!("{low} and above"),
        (None, None) => number.to_string(),
    };
    (at, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fall_between_edges() {
        let named = |n| between(&[30.0, 60.0], n);
        assert_eq!(named(29.9), (0, "below 30".to_owned()));
        assert_eq!(named(30.0), (1, "30 to below 60".to_owned()));
        assert_eq!(named(60.0), (2, "60 and above".to_owned()));
    }

    #[test]
    fn a_value_moves_no_cursor() {
        assert_eq!(told("no\u{1b}[2Jrth \u{202e}é"), "no\\u{1b}[2Jrth \\u{202e}é");
    }

    #[test]
    fn groups_are_numbered_in_their_order() {
        let row = |rank: usize, name: &str| Named { rank: vec![rank], name: name.to_owned() };
        let grouping = Grouping::of(vec![row(0, "below 30"), row(1, "30 and above"), row(0, "below 30")]);
        assert_eq!(
            (grouping.names.join("; "), grouping.of),
            ("below 30; 30 and above".to_owned(), vec![0, 1, 0])
        );
    }
}
