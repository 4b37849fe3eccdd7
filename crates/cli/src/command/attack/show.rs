//! The result for people.

use super::evasion::Attacked;
use super::page::words as with_interval;
use crate::terminal;

pub fn show(attacked: &Attacked) {
    let report = &attacked.report;
    if let Some(partial) = &attacked.partial {
        partial.show();
    }
    if let Some(target) = &attacked.target {
        target.show();
    }
    let model = attacked.model.map_or_else(String::new, |digest| format!("model {}  ", digest.short()));
    terminal::line(format!("{model}data {}", attacked.data.short()));
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
    if let (Some(survivors), Some(grid)) = (report.survive_rounding, report.threat.grid) {
        terminal::line(format!(
            "  {survivors} of the {} evaded rows are so rounded to values {grid:.6} apart, too",
            report.evaded
        ));
    }
    match (&report.certified, &attacked.not_proved) {
        (Some(certified), _) => terminal::line(format!(
            "  proved correct       {} of {}  {}\n  a lower bound, by {}: whatever is done within the distance",
            terminal::strong(&certified.rows.len().to_string()),
            report.n,
            with_interval(&certified.accuracy),
            certified.method
        )),
        (None, Some(why)) => terminal::line(format!("  nothing is proved: {why}")),
        (None, None) => {}
    }
    if let Some(median) = attacked.median_distance {
        terminal::line(format!("  half of the rows have another class nearer than {median:.6}"));
    }
    if let Some(smoothed) = &attacked.smoothed {
        terminal::line(format!(
            "  smoothed by noise, which is another model: {} right",
            with_interval(&smoothed.accuracy)
        ));
        for (radius, certified) in &smoothed.certified {
            terminal::line(format!("    certified within l2 {radius:.4}: {}", with_interval(certified)));
        }
    }
    classes(attacked);
    curve(attacked);
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

/// Classes of which something was turned, the worst first.
fn classes(attacked: &Attacked) {
    let mut turned: Vec<_> = attacked.report.per_class.iter().filter(|m| m.value > 0.0).collect();
    turned.sort_by(|a, b| b.value.total_cmp(&a.value));
    if !turned.is_empty() {
        terminal::line("");
        terminal::line("  turned by class");
    }
    for measured in turned.iter().take(10) {
        let name = measured.slice.as_deref().unwrap_or_default().trim_start_matches("class=");
        let name =
            name.parse().ok().and_then(|at: usize| attacked.classes.get(at)).map_or(name, String::as_str);
        terminal::line(format!(
            "    {name:<12} {} of {}",
            with_interval(measured),
            measured.n.unwrap_or_default()
        ));
    }
    if turned.len() > 10 {
        terminal::line(format!("    and {} more classes", turned.len() - 10));
    }
}

/// By radius: what is proved in full, what attacks left beyond in a lighter shade.
fn curve(attacked: &Attacked) {
    const WIDTH: f64 = 40.0;
    let cells = |share: f64| (share * WIDTH).round().clamp(0.0, WIDTH) as usize;
    if !attacked.curve.is_empty() {
        terminal::line("");
        terminal::line("  radius      at most  proved");
    }
    for point in &attacked.curve {
        let share = point.robust_accuracy.value;
        let proved = point.certified.as_ref().map(|m| m.value);
        let (full, all) = (cells(proved.unwrap_or(share)), cells(share));
        terminal::line(format!(
            "  {:<10} {:>8.3} {:>7} {}{}",
            point.eps,
            share,
            proved.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}")),
            "█".repeat(full),
            "░".repeat(all.saturating_sub(full))
        ));
    }
}
