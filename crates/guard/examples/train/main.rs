//! Trains the detector that ships with the binary, and measures it on sources it was not trained on.
//!
//! ```sh
//! cargo run --release -p proofhouse-guard --example train -- --pool DIR            # measure by leave-one-out
//! cargo run --release -p proofhouse-guard --example train -- --pool DIR --out FILE # and write the weights
//! ```
//!
//! `DIR` holds `*.jsonl.gz` files whose rows have `text`, `label` (1 attack, 0 benign), `source` and `kind`;
//! the option may be given several times, and without it only the generators of `detect::corpus` are used.
//! `--unseen DIR` holds rows of the same form that nothing is trained on and no threshold is fixed by: they are
//! measured last, with the weights that are written. `examples/harmless.py` collects rows for both.
//! `--rows FILE` writes all rows in their base form, with the fold that leaves each out, and ends: what the
//! encoder of the second stage is trained on (`encoder/train.py`).
//! `--held FILE` writes the score of each row by the model that was not trained on its source, in the order of
//! `--rows`, fold by fold: what stages are combined by.
//! `--crates DIR` adds the documentation and the code of the crates that `Cargo.lock` pins, as harmless
//! texts; `DIR` holds a folder for each, named `NAME-VERSION`, as cargo unpacks them. The texts are read and
//! forgotten: the weights file names their digests by source.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a table and its progress"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use proofhouse_dialogue::Carrier;
use proofhouse_guard::detect::Calibration;
use proofhouse_guard::detect::train::{Model, Provenance, Row, Settings, sources};

use held_out::{CARRIERS, MEASURED_ONLY, leave_out};
use rows::{embedded, generated, read_crates, read_pool, write_rows, written};
use tables::{print_orders, print_table, print_unseen, write_mistakes, write_scores};

mod held_out;
mod rows;
mod tables;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse()?;
    let mut rows = Vec::new();
    for pool in &arguments.pools {
        rows.extend(read_pool(pool)?);
    }
    if let Some(folder) = &arguments.crates {
        rows.extend(read_crates(folder)?);
    }
    let unseen: Vec<Row> = match &arguments.unseen {
        Some(folder) => read_pool(folder)?.into_iter().map(Row::in_base_form).collect(),
        None => Vec::new(),
    };
    rows.extend(embedded(&rows, arguments.settings.seed));
    rows.extend(written(&rows, arguments.settings.seed));
    rows.extend(generated(arguments.generated, arguments.settings.seed));
    let mut rows: Vec<Row> = rows.into_iter().map(Row::in_base_form).collect();
    eprintln!("{} rows, {} of them attacks", rows.len(), rows.iter().filter(|row| row.attack).count());

    if let Some(file) = &arguments.rows {
        return write_rows(&rows, &unseen, file);
    }

    print_orders(&rows);
    let held_out =
        leave_out(&rows, &arguments.settings, arguments.mistakes.is_some() || arguments.held.is_some());
    let calibration: BTreeMap<Carrier, Calibration> =
        CARRIERS.into_iter().map(|carrier| (carrier, held_out.calibration(carrier, None))).collect();
    print_table(&held_out);
    for (carrier, calibration) in &calibration {
        println!("{carrier:?}: {calibration:?}, asked for by {:?}", held_out.strictest(*carrier));
    }

    if let Some(file) = &arguments.mistakes {
        write_mistakes(&held_out, &calibration, file)?;
    }

    if let Some(file) = &arguments.held {
        write_scores(&held_out, file)?;
    }

    if let Some(out) = &arguments.out {
        let mut model = Model::new(&arguments.settings);
        rows.retain(|row| row.source != MEASURED_ONLY.0);
        model.train(&rows.iter().collect::<Vec<_>>(), &arguments.settings);
        print_unseen(&model, &calibration, &unseen);
        let settings = BTreeMap::from([
            ("program".to_owned(), "crates/guard/examples/train.rs".to_owned()),
            ("settings".to_owned(), format!("{:?}", arguments.settings)),
            ("generated".to_owned(), arguments.generated.to_string()),
        ]);
        let bytes = model.file(Provenance { calibration, settings, sources: sources(&rows) })?;
        std::fs::write(out, &bytes)?;
        eprintln!("{}: {} bytes", out.display(), bytes.len());
    }
    Ok(())
}

struct Arguments {
    pools: Vec<PathBuf>,
    crates: Option<PathBuf>,
    unseen: Option<PathBuf>,
    out: Option<PathBuf>,
    /// Where to write the held-out texts that were judged worst, for whoever asks why a threshold is where it is.
    mistakes: Option<PathBuf>,
    /// Where to write the rows instead of training on them.
    rows: Option<PathBuf>,
    /// Where to write the score of every row that was left out.
    held: Option<PathBuf>,
    /// How many attacks to generate; benign texts are five times as many as all attacks.
    generated: usize,
    settings: Settings,
}

impl Arguments {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let mut arguments = Self {
            pools: Vec::new(),
            crates: None,
            unseen: None,
            out: None,
            mistakes: None,
            rows: None,
            held: None,
            generated: 50_000,
            settings: Settings::default(),
        };
        let mut given = std::env::args().skip(1);
        while let Some(option) = given.next() {
            let value = given.next().ok_or_else(|| format!("{option} needs a value"))?;
            match option.as_str() {
                "--pool" => arguments.pools.push(value.into()),
                "--crates" => arguments.crates = Some(value.into()),
                "--unseen" => arguments.unseen = Some(value.into()),
                "--out" => arguments.out = Some(value.into()),
                "--mistakes" => arguments.mistakes = Some(value.into()),
                "--rows" => arguments.rows = Some(value.into()),
                "--held" => arguments.held = Some(value.into()),
                "--generated" => arguments.generated = value.parse()?,
                "--epochs" => arguments.settings.epochs = value.parse()?,
                "--rate" => arguments.settings.rate = value.parse()?,
                "--decay" => arguments.settings.decay = value.parse()?,
                "--benign" => arguments.settings.benign = value.parse()?,
                "--balance" => arguments.settings.balance = value.parse()?,
                "--dropout" => arguments.settings.dropout = value.parse()?,
                "--char-bits" => arguments.settings.char_bits = value.parse()?,
                "--word-bits" => arguments.settings.word_bits = value.parse()?,
                "--seed" => arguments.settings.seed = value.parse()?,
                _ => return Err(format!("there is no option {option}").into()),
            }
        }
        Ok(arguments)
    }
}
