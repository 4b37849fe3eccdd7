//! What can be wrong with the inputs of a simulation.

/// Why losses could not be simulated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RiskError {
    /// Three points that are no distribution.
    #[error(
        "a three-point estimate needs finite numbers with 0 ≤ low ≤ mode ≤ high, not {low}, {mode}, {high}"
    )]
    Pert {
        /// Least value, as text.
        low: String,
        /// Most likely value.
        mode: String,
        /// Greatest value.
        high: String,
    },
    /// A field of a scenario has a value that means nothing.
    #[error("scenario {scenario:?}: {field} {reason}")]
    Scenario {
        /// The scenario's id.
        scenario: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two scenarios share an id.
    #[error("two scenarios have the id {0:?}; ids seed the random streams and must differ")]
    DuplicateScenario(String),
    /// A scenario that is not there.
    #[error("there is no scenario {0:?}")]
    UnknownScenario(String),
    /// Nothing to simulate.
    #[error("there is no scenario to simulate")]
    NoScenarios,
    /// Too few or too many years.
    #[error(
        "{years} years × {scenarios} scenarios cannot be simulated: use at least {least} years and at most {most} scenario years"
    )]
    Size {
        /// Years asked for.
        years: usize,
        /// Scenarios given.
        scenarios: usize,
        /// Fewest years for which a 99th percentile means anything.
        least: usize,
        /// Most scenario years that fit in memory.
        most: usize,
    },
    /// A tolerance that is no point of a curve.
    #[error(
        "a tolerance point needs a finite loss of 0 or more and a probability between 0 and 1, not {loss} and {probability}"
    )]
    Tolerance {
        /// The loss, as text.
        loss: String,
        /// The probability, as text.
        probability: String,
    },
    /// Simulations in different money.
    #[error("one simulation is in {0}, the other in {1}")]
    Currency(String, String),
}
