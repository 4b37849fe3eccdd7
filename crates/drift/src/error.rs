//! What can be wrong with the inputs of a drift computation.

/// Why a profile, a window or a look could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DriftError {
    /// There is no column to watch.
    #[error("a drift reference needs at least one column")]
    NoColumns,
    /// Two columns share a name.
    #[error("two columns are called {0:?}; give each its own name")]
    DuplicateColumn(String),
    /// A reference column holds no value to compare with.
    #[error(
        "column {0:?} holds only nulls in the reference: there is nothing to compare later rows with; leave it out"
    )]
    EmptyReference(String),
    /// The window has a column that the reference does not know.
    #[error("column {0:?} is not in the frozen reference; freeze a new reference to watch it")]
    UnknownColumn(String),
    /// Numbers where the reference has categories, or the reverse.
    #[error("column {column:?} holds {found} but the reference froze {expected}")]
    Kind {
        /// The column.
        column: String,
        /// What the reference holds.
        expected: &'static str,
        /// What was given.
        found: &'static str,
    },
    /// The window was counted on another reference.
    #[error(
        "the window was counted on another reference profile; counts on different frozen points cannot be combined"
    )]
    OtherProfile,
    /// A stored profile or window contradicts itself.
    #[error("column {column:?} of the stored profile is damaged: {reason}")]
    Damaged {
        /// The column.
        column: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A budget that promises nothing.
    #[error("{name} must be a finite number above zero, not {value}")]
    Budget {
        /// Which part of the budget.
        name: &'static str,
        /// What was given, as text.
        value: String,
    },
}
