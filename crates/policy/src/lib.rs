//! Policy as code: Rego bundles, tests, lint and decisions.
