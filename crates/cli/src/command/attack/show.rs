//! The result for people.

use proofhouse_core::Measurement;

use super::Attacked;
use crate::terminal;

pub fn show(attacked: &Attacked) {
    let report = &attacked.report;
    terminal::line(format!("model {}  data {}", attacked.model.short(), attacked.data.short()));
    if let Some(why) = &attacked.without_gradients {
        terminal::line(format!("without gradients: {why}"));
    }
    terminal::line(format!(
        "{} at most {}  {} rows, {} correct before",
        report.norm.name(),
        report.threat.eps,
        report.n,
        with_interval(&attacked.clean)
    ));
    terminal::line("");
    terminal::line(format!(
        "  {:<28} {:>9} {:>8} {:>10} {:>10}",
        "attack", "attacked", "evaded", "queries", "gradients"
    ));
    for part in &report.parts {
        terminal::line(format!(
            "  {:<28} {:>9} {:>8} {:>10} {:>10}",
            part.attack, part.attacked, part.evaded, part.queries, part.gradients
        ));
        part.repairs.iter().for_each(|repair| terminal::line(format!("      {repair}")));
    }
    terminal::line("");
    terminal::line(format!(
        "  correct under attack {} of {}  {}",
        terminal::strong(&report.robust_correct.to_string()),
        report.n,
        with_interval(&report.robust_accuracy)
    ));
    terminal::line("  an upper bound: a stronger attack can only lower it");
    if let Some(certified) = &report.certified {
        terminal::line(format!("  proved {} by {}", with_interval(&certified.accuracy), certified.method));
    }
    for point in &attacked.curve {
        let share = point.robust_accuracy.value;
        let bar = "█".repeat((share * 40.0).round().clamp(0.0, 40.0) as usize);
        terminal::line(format!("  {:>10} {:>6.3} {bar}", point.eps, share));
    }
    for flag in &attacked.diagnosis.flags {
        let answer = flag
            .repair
            .as_ref()
            .map_or_else(|| terminal::strong("stands"), |repair| format!("answered: {repair}"));
        terminal::line(format!("  ! {} ({} of {}); {answer}", flag.says, flag.seen, flag.of));
    }
    if let Some(claim) = &attacked.claim {
        terminal::line(format!("  {claim}"));
    }
}

fn with_interval(measured: &Measurement) -> String {
    measured.interval.as_ref().map_or_else(
        || format!("{:.3}", measured.value),
        |i| format!("{:.3} [{:.3}, {:.3}]", measured.value, i.low, i.high),
    )
}
