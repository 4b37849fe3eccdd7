//! A system file may come from anybody: whatever it holds, parsing ends without a panic.

#![expect(clippy::unwrap_used, reason = "in a helper of a test, as in a test, a surprise ends the test")]

use proofhouse_system::System;
use proptest::prelude::*;

fn example() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cheque-reader/proofhouse.yaml");
    std::fs::read(path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_text_is_parsed_or_refused(text in "\\PC{0,400}") {
        let _ = System::parse("p.yaml", &text);
    }

    #[test]
    fn arbitrary_yaml_like_text_is_parsed_or_refused(text in "[a-z:{}\\[\\]&*!|>\\- \n\"'#0-9.,]{0,400}") {
        let _ = System::parse("p.yaml", &text);
    }

    #[test]
    fn a_damaged_example_is_parsed_or_refused_with_a_place(
        cuts in proptest::collection::vec((0usize..20_000, any::<u8>()), 1..6),
    ) {
        let mut bytes = example();
        let len = bytes.len();
        for (at, byte) in cuts {
            bytes[at % len] = byte;
        }
        if let Err(errors) = System::parse("p.yaml", &String::from_utf8_lossy(&bytes)) {
            prop_assert!(!errors.errors().is_empty());
            for e in errors.errors() {
                prop_assert!(e.place.path == "p.yaml" && !e.what.is_empty());
            }
        }
    }

    #[test]
    fn a_cut_off_example_is_parsed_or_refused(length in 0usize..20_000) {
        let mut bytes = example();
        bytes.truncate(length);
        let _ = System::parse("p.yaml", &String::from_utf8_lossy(&bytes));
    }
}
