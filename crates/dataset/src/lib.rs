//! Datasets: Parquet into typed columns, manifests, the record-level Merkle root.
