//! Artifact to findings: the pickle abstract interpreter and the format walkers.
