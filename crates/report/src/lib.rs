//! Self-contained HTML report with figures.
