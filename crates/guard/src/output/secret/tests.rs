//! Every token of the table fires, and misses when one thing about it is wrong. The tokens are made up here
//! from their shapes, so that no text that looks like a credential lies in the repository.

use proptest::prelude::*;

use super::super::{Confidential, Filter, OutputRules};
use super::table::{TOKENS, Token};

/// Characters of a class in an order that has nothing of a pattern.
fn content(token: &Token, length: usize, seed: u64) -> String {
    let alphabet: Vec<char> = (b'0'..=b'z')
        .map(char::from)
        .filter(|c| c.is_ascii_alphanumeric() && token.class.holds(*c as u8))
        .collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            alphabet[(state >> 33) as usize % alphabet.len()]
        })
        .collect()
}

/// A token of that shape that its check accepts.
fn sample(token: &Token, length: usize, seed: u64) -> Option<String> {
    let mut body = content(token, length, seed);
    match token.rule.id {
        "secret/aws-access-key" | "secret/aws-temporary-key" => {
            // Each digit that base32 lacks becomes another one, or the sample would be less random than a key is.
            let base32 = |c| match c {
                '0' => '2',
                '1' => '4',
                '8' => '5',
                '9' => '6',
                other => other,
            };
            body = body.chars().map(base32).collect();
            body.replace_range(..1, "3");
        }
        "secret/azure-function-key" => {
            return Some(format!("AccountKey={}==", content(token, 85, seed) + "A"));
        }
        "secret/azure-shared-access-key" => {
            return Some(format!("SharedAccessKey={}=", content(token, 42, seed) + "A"));
        }
        "secret/github-fine-token" => body.replace_range(22..23, "_"),
        "secret/sendgrid-key" => body.replace_range(22..23, "."),
        "secret/airtable-token" => body.replace_range(14..15, "."),
        "secret/pypi-token" => body.replace_range(..12, "IcHlwaS5vcmc"),
        id if id.starts_with("secret/openai") => body.replace_range(20..28, "T3BlbkFJ"),
        id if id.starts_with("secret/slack-") && id != "secret/slack-config-token" => {
            body.replace_range(..12, "123987456019")
        }
        "secret/jwt" => {
            use base64::Engine as _;
            let header =
                base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
            return Some(format!("{header}.{body}.{body}"));
        }
        "secret/age-key" => return None,
        _ => {}
    }
    let lead = token.lead.as_ref().map_or("", |(lead, _)| &"7123456780"[..*lead.end()]);
    Some(format!("{lead}{}{body}", token.prefix))
}

fn found(text: &str) -> Vec<&'static str> {
    let released = Filter::new(&OutputRules::default()).scan(&Confidential::new(), text);
    released.findings.iter().map(|f| f.rule).filter(|r| r.starts_with("secret/")).collect()
}

#[test]
fn every_token_fires_and_its_near_misses_do_not() {
    for token in TOKENS {
        let least = *token.length.start();
        let Some(good) = sample(token, least, 7) else { continue };
        assert_eq!(found(&format!("use {good} here")), [token.rule.id], "{good}");
        assert_eq!(found(&format!("(\"{good}\")")), [token.rule.id], "{good}");
        let released = Filter::new(&OutputRules::default()).scan(&Confidential::new(), &good);
        assert!(
            !released.text.contains(good.get(good.len() - 8..).unwrap()),
            "{} -> {}",
            good,
            released.text
        );
        let rule = token.rule.id;
        assert!(!found(&format!("x{good}")).contains(&rule), "{rule} is found within a word");
        let repeated = format!("{}{}", token.prefix, "a".repeat(least));
        assert!(!found(&repeated).contains(&rule), "{rule} needs no randomness");
        if rule != "secret/jwt" {
            assert!(!found(&good[..good.len() - 1]).contains(&rule), "{rule} is found one character short");
        }
        if least == *token.length.end() {
            assert!(
                !found(&format!("{good}{}", content(token, 1, 3))).contains(&rule),
                "{rule} is found one longer"
            );
        }
    }
}

#[test]
fn documentation_and_ordinary_text_are_left_alone() {
    for text in [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-your-api-key-goes-here-please-replace-it-1234",
        "the hf_hub_download function of huggingface_hub",
        "npm_config_registry and npm_lifecycle_event_with_a_long_name",
        "password: see the wiki; token: Bearer; secret = os.environ['KEY']",
        "api_key = \"YOUR_API_KEY_1234567890\" password=${DB_PASSWORD1}",
        "password_hash: bcrypt, passwords are stored as hashes",
        "token = tokenizer.encode(text)[0] secret_key=settings.SECRET_KEY",
        "postgres://user:password@localhost/db and https://host:8080/@scope/pkg",
        "const accessKey = getAccessKeyFor(user42, region17)",
        "eyJust a word. eyJhbGciOiJ is the beginning of many",
        "The secret is that butter goes in last; his token of thanks: a card.",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
    ] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

#[test]
fn names_and_places_make_secrets() {
    for (text, rule, released) in [
        ("api_key = \"9fK2mQx7Lw3Zp8Vt\"", "secret/assigned-token", "api_key = \"[redacted:secret]\""),
        (
            "'clientSecret': 'a8Jd02kLmz91QpXy7'",
            "secret/assigned-token",
            "'clientSecret': '[redacted:secret]'",
        ),
        (
            "AWS_SECRET_ACCESS_KEY=wJ4lrXUtnFEMI/K7MDENGbPxRfiCYzQ9a8b7c6d5",
            "secret/assigned-token",
            "AWS_SECRET_ACCESS_KEY=[redacted:secret]",
        ),
        ("DB_PASSWORD=Winter2031!", "secret/assigned-password", "DB_PASSWORD=[redacted:secret]"),
        ("The password is Tr0ub4dor&3.", "secret/assigned-password", "The password is [redacted:secret]."),
        ("mysql://root:s3cr3tPw@db/x", "secret/connection-string", "[redacted:secret]db/x"),
    ] {
        assert_eq!(found(text), [rule], "{text}");
        let scanned = Filter::new(&OutputRules::default()).scan(&Confidential::new(), text);
        assert_eq!(scanned.text, released, "{text}");
    }
}

#[test]
fn a_private_key_goes_as_a_whole() {
    let body = content(&TOKENS[0], 64, 5);
    for (text, rest) in [
        (
            format!(
                "key:\n-----BEGIN RSA PRIVATE KEY-----\n{body}\n{body}\n-----END RSA PRIVATE KEY-----\nbye."
            ),
            "key:\n[redacted:secret]\nbye.",
        ),
        (
            format!("-----BEGIN OPENSSH PRIVATE KEY-----\\n{body}\\n-----END OPENSSH PRIVATE KEY-----\\n\""),
            "[redacted:secret]\\n\"",
        ),
        (format!("-----BEGIN EC PRIVATE KEY-----\nDEK-Info: AES-128-CBC,00\n\n{body}"), "[redacted:secret]"),
    ] {
        let scanned = Filter::new(&OutputRules::default()).scan(&Confidential::new(), &text);
        assert_eq!(scanned.text, rest);
        assert_eq!(scanned.findings[0].rule, "secret/private-key");
    }
}

proptest! {
    /// Real tokens are random; the bounds on randomness must not cost any.
    #[test]
    fn random_tokens_are_not_missed(seed in 1_u64.., which in 0..TOKENS.len()) {
        let token = &TOKENS[which];
        if let Some(good) = sample(token, *token.length.start(), seed) {
            prop_assert_eq!(found(&good), [token.rule.id], "{}", good);
        }
    }
}
