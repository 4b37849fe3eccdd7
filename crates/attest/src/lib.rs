//! DSSE, in-toto statements, OpenSSF Model Signing bundles, keys and trust.
