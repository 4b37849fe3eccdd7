//! The system file: typed parser of proofhouse.yaml, its JSON Schema, errors with line, column and hint.
