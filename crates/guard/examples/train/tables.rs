//! What is printed: recall and false alarms by source, by language, and on texts that had no part in anything.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use proofhouse_core::interval::wilson;
use proofhouse_dialogue::Carrier;
use proofhouse_guard::detect::train::{Best, Model, Row};
use proofhouse_guard::detect::{Calibration, plain_order};

use crate::held_out::{HeldOut, NEAR_MISSES, kind};

/// One row a kind of source: how many of its texts reach the thresholds that were fixed without it; then the
/// benign ones of them by language; then what settings are chosen by.
pub(crate) fn print_table(held_out: &HeldOut) {
    println!("| source | carrier | label | texts | attack | 95 % interval | grey or worse |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let mut by_language: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut recalls: BTreeMap<Carrier, Vec<f64>> = BTreeMap::new();
    for ((attack, carrier), by_source) in &held_out.scores {
        let mut kinds: BTreeMap<&str, Vec<Best>> = BTreeMap::new();
        for (source, scores) in by_source {
            kinds.entry(kind(source)).or_default().extend(scores);
        }
        for (name, scores) in kinds {
            let calibration = held_out.calibration(*carrier, Some(name));
            print_row(name, *carrier, *attack, &scores, &calibration);
            if *attack && !name.starts_with("own/") && scores.len() >= 25 {
                let found = scores.iter().filter(|best| reaches(best, &calibration)).count();
                recalls.entry(*carrier).or_default().push(found as f64 / scores.len() as f64);
            }
            let parts =
                by_source.iter().filter(|(source, _)| !attack && kind(source) == name && name != NEAR_MISSES);
            for (source, scores) in parts.filter(|(source, _)| source.as_str() != name) {
                let languages = source.rsplit(' ').next().unwrap_or_default();
                let counts = by_language.entry(languages).or_default();
                counts.0 += scores.iter().filter(|best| reaches(best, &calibration)).count();
                counts.1 += scores.len();
            }
        }
    }
    println!();
    for (languages, (alarms, texts)) in by_language {
        let interval = wilson(alarms as u64, texts as u64, 0.95);
        println!("| {languages} | {texts} | {alarms} | {:.3} to {:.3} |", interval.low, interval.high);
    }
    println!();
    for (carrier, recalls) in recalls {
        let mean = recalls.iter().sum::<f64>() / recalls.len().max(1) as f64;
        println!("mean recall over {} sources of attacks, {carrier:?}: {mean:.3}", recalls.len());
    }
}

/// The logit of the best window, less what many windows reach by chance.
pub(crate) fn corrected(best: &Best, calibration: &Calibration) -> f32 {
    best.logit - calibration.per_log_window * (best.windows as f32).ln()
}

pub(crate) fn reaches(best: &Best, calibration: &Calibration) -> bool {
    corrected(best, calibration) >= calibration.attack
}

pub(crate) fn print_row(
    source: &str,
    carrier: Carrier,
    attack: bool,
    scores: &[Best],
    calibration: &Calibration,
) {
    let reach = |at: f32| scores.iter().filter(|best| corrected(best, calibration) >= at).count();
    let (hits, grey, n) = (reach(calibration.attack), reach(calibration.grey), scores.len());
    let interval = wilson(hits as u64, n as u64, 0.95);
    let label = if attack { "attack" } else { "benign" };
    println!(
        "| {source} | {carrier:?} | {label} | {n} | {:.3} | {:.3} to {:.3} | {:.3} |",
        hits as f64 / n as f64,
        interval.low,
        interval.high,
        grey as f64 / n as f64
    );
}

/// The held-out benign texts of each kind with the highest scores and the attacks with the lowest, as lines of JSON.
pub(crate) fn write_mistakes(
    held_out: &HeldOut,
    calibration: &BTreeMap<Carrier, Calibration>,
    file: &Path,
) -> Result<(), Box<dyn Error>> {
    /// Texts of each kind.
    const TEXTS: usize = 40;
    type Judged<'t> = Vec<(f32, &'t str)>;
    let mut kinds: BTreeMap<(bool, Carrier, &str), Judged<'_>> = BTreeMap::new();
    for (best, row) in &held_out.texts {
        let Some(calibration) = calibration.get(&row.carrier) else { continue };
        let margin = corrected(best, calibration) - calibration.attack;
        let worst_first = if row.attack { margin } else { -margin };
        kinds
            .entry((row.attack, row.carrier, kind(&row.source)))
            .or_default()
            .push((worst_first, row.text.as_str()));
    }
    let mut lines = String::new();
    for ((attack, carrier, kind), mut texts) in kinds {
        texts.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (worst_first, text) in texts.into_iter().take(TEXTS) {
            let margin = if attack { worst_first } else { -worst_first };
            let line = serde_json::json!({
                "attack": attack, "carrier": carrier, "kind": kind, "margin": margin, "text": text,
            });
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
    }
    Ok(std::fs::write(file, lines)?)
}

/// In how many texts of each kind a plain order is found; kinds without one are counted together.
pub(crate) fn print_orders(rows: &[Row]) {
    let mut kinds: BTreeMap<(bool, bool, &str), (usize, usize)> = BTreeMap::new();
    for row in rows {
        let own = row.source.starts_with("own");
        let (found, texts) = kinds.entry((row.attack, own, kind(&row.source))).or_default();
        *found += usize::from(plain_order(&row.text).is_some());
        *texts += 1;
    }
    println!("| plain orders in | label | texts | found |\n| --- | --- | --- | --- |");
    let mut without: BTreeMap<(bool, bool), usize> = BTreeMap::new();
    for ((attack, own, kind), (found, texts)) in kinds {
        if found == 0 {
            *without.entry((attack, own)).or_default() += texts;
        } else {
            println!("| {kind} | {} | {texts} | {found} |", if attack { "attack" } else { "benign" });
        }
    }
    for ((attack, own), texts) in without {
        let (label, whose) =
            (if attack { "attack" } else { "benign" }, if own { "our own" } else { "others" });
        println!("| all other kinds, {whose} | {label} | {texts} | 0 |");
    }
    println!();
}

/// The weights that are written, at the thresholds that are written, on texts that had no part in either.
pub(crate) fn print_unseen(model: &Model, calibration: &BTreeMap<Carrier, Calibration>, unseen: &[Row]) {
    let mut scores: BTreeMap<(bool, Carrier, &str), Vec<Best>> = BTreeMap::new();
    for row in unseen {
        scores
            .entry((row.attack, row.carrier, row.source.as_str()))
            .or_default()
            .push(model.best(&row.text, row.carrier));
    }
    println!();
    for ((attack, carrier, source), scores) in &scores {
        if let Some(calibration) = calibration.get(carrier) {
            print_row(source, *carrier, *attack, scores, calibration);
        }
    }
}

/// The best window of each row that was left out and how many windows there are, as lines of JSON.
pub(crate) fn write_scores(held_out: &HeldOut, file: &Path) -> Result<(), Box<dyn Error>> {
    let mut lines = String::new();
    for (best, row) in &held_out.texts {
        let line = serde_json::json!({
            "source": row.source, "attack": row.attack, "logit": best.logit, "windows": best.windows,
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    Ok(std::fs::write(file, lines)?)
}
