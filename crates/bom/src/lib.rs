//! CycloneDX ML-BOM: write, lint and verify against files.
