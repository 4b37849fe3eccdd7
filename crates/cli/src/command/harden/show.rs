//! The result for people.

use super::Report;
use crate::terminal;

pub fn show(report: &Report) {
    let threat = &report.recipe.threat;
    terminal::line(format!("{} → {}", report.old.short(), terminal::strong(&report.new.short().to_string())));
    terminal::line(format!(
        "{} at most {}, {} epochs, the weights after epoch {}",
        threat.norm.name(),
        threat.eps,
        report.epochs.len(),
        report.chosen
    ));
    terminal::line(format!("  {:<10} {:>8} {:>14}", "", "clean", "under attack"));
    for (name, standing) in [("before", &report.before), ("after", &report.after)] {
        terminal::line(format!("  {name:<10} {:>8.3} {:>14.3}", standing.clean.value, standing.robust.value));
    }
    terminal::line(format!("  on {} rows by {}; an upper bound under attack", report.rows, report.attacks));
    if report.chosen_by_these_rows {
        terminal::line("  the same rows chose the epoch, which flatters a little; give others with --test");
    }
    // Robust accuracy of the rows set apart, epoch by epoch.
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let spark = |values: &mut dyn Iterator<Item = f64>| -> String {
        values.filter_map(|v| BARS.get(((v * 8.0) as usize).min(7))).collect()
    };
    let share = |n: u64, of: u64| n as f64 / of.max(1) as f64;
    terminal::line(format!("  clean   {}", spark(&mut report.epochs.iter().map(|e| share(e.clean, e.of)))));
    terminal::line(format!("  robust  {}", spark(&mut report.epochs.iter().map(|e| share(e.robust, e.of)))));
}
