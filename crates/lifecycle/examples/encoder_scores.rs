//! Prints how likely the shipped encoder alone holds each line for an attack.
//!
//! ```sh
//! cargo run -p proofhouse-lifecycle --example encoder_scores < texts.txt
//! ```

#![expect(clippy::print_stdout, reason = "a program that prints scores")]

use std::error::Error;

use proofhouse_dialogue::Carrier;
use proofhouse_lifecycle::encoder;

fn main() -> Result<(), Box<dyn Error>> {
    let encoder = encoder::shipped();
    for line in std::io::stdin().lines() {
        println!("{}", encoder.score(&line?, Carrier::Chat)?.probability);
    }
    Ok(())
}
