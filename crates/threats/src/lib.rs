//! The system graph, the threat catalogue, rules with proofs, questions and the test plan.
