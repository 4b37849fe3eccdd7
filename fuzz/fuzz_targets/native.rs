#![no_main]

#[path = "../../crates/scan/tests/mutation/harness.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::target("native", bytes));
