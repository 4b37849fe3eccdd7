//! What rows of a table can exist, and what it costs somebody to change one: the limits of an attack on a tabular
//! model. All numbers are those stored in the table, before `divide_by`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rules of a table's features. A column without a rule is a number within the range of the training data that
/// can be changed both ways.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DomainRules {
    /// Rules for single columns.
    #[serde(default)]
    pub columns: Vec<ColumnRule>,
    /// Columns of which exactly one is 1 and the others are 0.
    #[serde(default)]
    pub one_of: Vec<CategoryRule>,
    /// Linear relations that every row keeps.
    #[serde(default)]
    pub relations: Vec<RelationRule>,
}

/// The rule of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnRule {
    /// The column.
    pub column: String,
    /// Smallest value; left out: the smallest in the data.
    #[serde(default)]
    pub low: Option<f64>,
    /// Largest value; left out: the largest in the data.
    #[serde(default)]
    pub high: Option<f64>,
    /// Distance between its values, counted from 0: 1 for whole numbers, 0.01 for amounts in cents. Left out: any
    /// number.
    #[serde(default)]
    pub step: Option<f64>,
    /// Which changes somebody can bring about.
    #[serde(default)]
    pub change: ChangeRule,
    /// What a change costs whoever brings it about; left out: 1 for the whole range.
    #[serde(default)]
    pub cost: Option<CostRule>,
}

/// Which changes somebody can bring about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeRule {
    /// Up and down.
    #[default]
    Free,
    /// None: a date of birth.
    Never,
    /// Only up: a number of past payments.
    Up,
    /// Only down: days left.
    Down,
}

/// What a change costs, in one currency for the whole table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostRule {
    /// For changing it at all.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub once: f64,
    /// For each stored unit upwards.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub up: f64,
    /// For each stored unit downwards.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub down: f64,
}

/// A category spread over columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryRule {
    /// The columns.
    pub columns: Vec<String>,
    /// What changing the category costs; left out: 1.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub cost: Option<f64>,
}

/// A linear relation: a sum of columns, each times its factor, and what the sum may be. Exactly one of `at_most`,
/// `at_least` and `equals` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationRule {
    /// What it says.
    pub name: String,
    /// The columns it is about.
    pub terms: Vec<TermRule>,
    /// Largest sum.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// Smallest sum.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// The sum.
    #[serde(default)]
    pub equals: Option<f64>,
    /// How far beyond is taken for rounding; left out: a millionth of the largest the terms can come to.
    #[serde(default)]
    pub tolerance: Option<f64>,
}

/// A column in a relation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TermRule {
    /// The column.
    pub column: String,
    /// What its value is multiplied by.
    pub factor: f64,
}
