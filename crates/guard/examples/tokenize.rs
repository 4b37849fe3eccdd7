//! Prints the token ids of every line of a file, as the encoder detector would send them to its model.
//!
//! ```sh
//! cargo run -p proofhouse-guard --example tokenize -- tokenizer.json texts.txt
//! ```
#![expect(clippy::print_stdout, reason = "a program that prints ids")]

use std::error::Error;

use proofhouse_guard::detect::Tokenizer;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(tokenizer), Some(texts)) = (arguments.next(), arguments.next()) else {
        return Err("usage: tokenize TOKENIZER.JSON TEXTS".into());
    };
    let tokenizer = Tokenizer::from_json(&std::fs::read(tokenizer)?)?;
    for line in std::fs::read_to_string(texts)?.lines() {
        let ids: Vec<String> = tokenizer.ids(line).iter().map(u32::to_string).collect();
        println!("{}", ids.join(" "));
    }
    Ok(())
}
