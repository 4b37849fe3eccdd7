//! Every kind of personal data: one text that fires and one that nearly does. The numbers are specimens of
//! the issuing authorities and examples of the algorithms' descriptions, or are computed from them.

use super::super::{Action, Confidential, Filter, OutputRules};
use super::*;

fn filter() -> Filter {
    // What is off by default is tested too.
    let actions = [
        ("personal/ip-address".to_owned(), Action::Report),
        ("personal/mac-address".to_owned(), Action::Report),
    ];
    Filter::new(&OutputRules { actions: actions.into(), ..OutputRules::default() })
}

fn found(text: &str) -> Vec<&'static str> {
    let mut found: Vec<_> =
        filter().scan(&Confidential::new(), text).findings.iter().map(|f| f.rule).collect();
    found.retain(|rule| rule.starts_with("personal/"));
    found
}

/// Rule, what fires, what does not.
#[rustfmt::skip]
const CASES: &[(&str, &str, &str)] = &[
    ("personal/payment-card", "pay with 4111 1111 1111 1111 now", "pay with 4111 1111 1111 1112 now"),
    ("personal/payment-card", "5555555555554444", "55555555555544441"),
    ("personal/payment-card", "3782-822463-10005", "3782-8224-6310-005"),
    ("personal/payment-card", "٤١١١ ١١١١ ١١١١ ١١١١", "٤١١١ ١١١١ ١١١١ ١١١٢"),
    ("personal/payment-card", "４１１１１１１１１１１１１１１１", "9999999999999995"),
    ("personal/iban", "to DE89 3704 0044 0532 0130 00.", "to DE88 3704 0044 0532 0130 00."),
    ("personal/iban", "GB82WEST12345698765432", "GB82WEST1234569876543"),
    ("personal/iban", "nl91 abna 0417 1643 00", "XX91 ABNA 0417 1643 00"),
    ("personal/e-mail", "write to jo.doe+x@mail.example.org.", "see @decorator, a@b and logo@2x.png"),
    ("personal/phone", "+49 30 901820 today", "+49 30 today"),
    ("personal/phone", "+44 (0)20 7946 0958", "1+1 = 2, +447 units, +20 %"),
    ("personal/phone", "call (415) 555-0123", "f(123) 555-0123"),
    ("personal/travel-document", "L898902C36UTO7408122F1204159ZE184226B<<<<<10", "L898902C46UTO7408122F1204159ZE184226B<<<<<10"),
    ("personal/travel-document", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "P<UTOERIKSSON<ANNA<MARIA<<<<<<<<<<<<<<<<<<"),
    ("personal/travel-document", "I<UTOD231458907<<<<<<<<<<<<<<<", "I<UTOD231458908<<<<<<<<<<<<<<<"),
    ("personal/ip-address", "from 192.0.2.17 port", "version 1.2.3"),
    ("personal/ip-address", "2001:db8::17", "12:30:59"),
    ("personal/mac-address", "00:1b:63:84:45:e6", "00:1b:63:84:45"),
    ("personal/date-of-birth", "Date of birth: 17.03.1984", "Date of issue: 17.03.1984"),
    ("personal/date-of-birth", "née le 31/12/1990", "née le 31/02/1990"),
    ("personal/us-ssn", "536-90-4399", "666-90-4399"),
    ("personal/us-ssn", "SSN 536904399", "number 536904399"),
    ("personal/us-itin", "912-70-1234", "912-69-1234"),
    ("personal/ca-sin", "SIN: 130 692 544", "since 130 692 544"),
    ("personal/br-cpf", "111.444.777-35", "111.444.777-36"),
    ("personal/br-cnpj", "11.222.333/0001-81", "11.222.333/0001-82"),
    ("personal/br-cnpj", "12.ABC.345/01DE-35", "12.ABC.345/01DE-36"),
    ("personal/mx-curp", "HEGG560427MVZRRL04", "HEGG560427MVZRRL05"),
    ("personal/in-aadhaar", "Aadhaar 2341 2341 2346", "order 2341 2341 2346"),
    ("personal/in-pan", "ABCPV1234D", "ABCXV1234D"),
    ("personal/cn-resident-id", "11010519491231002X", "110105194912310021"),
    ("personal/jp-my-number", "マイナンバー 1234 5678 9018", "マイナンバー 1234 5678 9019"),
    ("personal/kr-resident-number", "900101-1234567", "901301-1234567"),
    ("personal/sg-nric", "S1234567D", "S1234567E"),
    ("personal/tr-identity-number", "TC Kimlik No: 10000000146", "TC Kimlik No: 10000000147"),
    ("personal/za-id-number", "ID number 8001015009087", "ID number 8001015009088"),
    ("personal/gb-nino", "AB 12 34 56 C", "QQ 12 34 56 C"),
    ("personal/gb-nino", "ab123456c", "ab123456e"),
    ("personal/gb-nhs", "NHS number 943 476 5919", "NHS number 943 476 5918"),
    ("personal/ie-pps", "PPS 1234567T", "PPS 1234567U"),
    ("personal/de-tax-id", "Steuer-ID 86 095 742 719", "Steuer-ID 86 095 742 718"),
    ("personal/de-social-security", "15 070649 C 103", "15 070649 C 104"),
    ("personal/at-social-security", "SVNR 1237 010180", "SVNR 1238 010180"),
    ("personal/ch-ahv", "756.9217.0769.85", "756.9217.0769.84"),
    ("personal/pl-pesel", "PESEL 44051401359", "PESEL 44051401358"),
    ("personal/cz-birth-number", "rodné číslo 736028/5163", "rodné číslo 736028/5164"),
    ("personal/ro-cnp", "CNP 1800101221144", "CNP 1800101221145"),
    ("personal/se-personnummer", "811218-9876", "811218-9875"),
    ("personal/se-personnummer", "19811218-9876", "17811218-9876"),
    ("personal/se-personnummer-bare", "personnummer 8112189876", "order 8112189876"),
    ("personal/fi-hetu", "131052-308T", "131052-308U"),
    ("personal/fi-hetu", "131052A308T", "131352A308T"),
    ("personal/dk-cpr", "CPR 070761-4285", "CPR 073161-4285"),
    ("personal/no-fodselsnummer", "01010750160", "01010750161"),
    ("personal/au-tfn", "TFN 123 456 782", "TFN 123 456 783"),
    ("personal/au-medicare", "Medicare 2123 45670 1", "Medicare 2123 45671 1"),
    ("personal/es-dni", "12345678Z", "12345678A"),
    ("personal/es-nie", "X-1234567-L", "X-1234567-M"),
    ("personal/it-codice-fiscale", "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
    ("personal/it-codice-fiscale", "rssmra85t10a562s", "RSSMRA85F10A562S"),
    ("personal/pt-nif", "NIF 123 456 789", "NIF 123 456 788"),
    ("personal/fr-nir", "2 55 08 14 168 025 38", "2 55 08 14 168 025 39"),
    ("personal/fr-nir", "1 84 12 2A 451 089 33", "1 84 12 2A 451 089 34"),
    ("personal/be-national-number", "85.07.30-033.28", "85.07.30-033.27"),
    ("personal/nl-bsn", "BSN 1112 22 333", "BSN 1112 22 334"),
];

#[test]
fn every_kind_fires_and_nearly_does_not() {
    let mut wrong = Vec::new();
    for (rule, fires, misses) in CASES {
        if found(fires) != [*rule] {
            wrong.push(format!("{rule}: {fires:?} gives {:?}", found(fires)));
        }
        if found(misses).contains(rule) {
            wrong.push(format!("{rule}: {misses:?} fires"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let tested: BTreeSet<&str> = CASES.iter().map(|(rule, ..)| *rule).collect();
    for rule in rules() {
        assert!(tested.contains(rule.id), "{} is not tested", rule.id);
    }
}

#[test]
fn ordinary_numbers_are_left_alone() {
    for text in [
        "In 2024 there were 1,234,567 of 98,765,432 (12.5 %), see 10.1038/s41586-021-03819-2.",
        "ISBN 978-3-16-148410-0, version 10.15.7, 2024-05-17T08:30:00Z, $1,299.00, pi = 3.14159265358979",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b, uuid 123e4567-e89b-12d3-a456-426614174000",
        "order 4111111111111112, timestamp 1716239022123, id 7000000000000001",
        "Flight LH 1234 at 12:30, room B12, A4 paper, UTF-8, SHA-256, H2O, COVID-19",
        "x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]",
    ] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

#[test]
fn countries_that_were_not_asked_for_are_left_alone() {
    let rules = OutputRules { locales: Some(BTreeSet::from([Locale::Fi])), ..OutputRules::default() };
    let filter = Filter::new(&rules);
    let scan = |text| filter.scan(&Confidential::new(), text).findings.len();
    assert_eq!((scan("131052-308T"), scan("12345678Z"), scan("4111 1111 1111 1111")), (1, 0, 1));
}

#[test]
fn what_is_found_is_not_shown() {
    for (rule, fires, _) in CASES {
        let released = filter().scan(&Confidential::new(), fires);
        for finding in released.findings {
            let span = fires.get(finding.span.clone()).unwrap();
            assert!(!format!("{} {}", finding.preview, finding.reason).contains(span), "{rule}: {finding:?}");
            if finding.action == Action::Redact {
                assert!(!released.text.contains(span), "{rule}: {}", released.text);
            }
        }
    }
}
