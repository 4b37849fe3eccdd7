//! Standard output for results, standard error for progress and errors, colours for a terminal only.

use std::fmt::Display;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use proofhouse_core::{Finding, Severity, Verdict};
use proofhouse_lifecycle::Progress;
use serde::Serialize;

/// Writes a line of result. A reader that went away (`| head`) is not an error.
pub fn line(text: impl Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Writes one JSON document.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    line(text);
    Ok(())
}

/// Writes an error to standard error.
pub fn error(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let label = if colours(&stderr) { "\x1b[1;31merror:\x1b[0m" } else { "error:" };
    let _ = writeln!(stderr, "{label} {text}");
}

/// Writes a remark to standard error, beside progress.
pub fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// The causes of an error in one sentence, without saying the same thing twice.
pub fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}

fn colours(stream: &impl std::io::IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// A verdict as people see it: a word, coloured on a terminal.
pub fn verdict(verdict: Verdict) -> String {
    let (word, colour) = match verdict {
        Verdict::Pass => ("pass", "32"),
        Verdict::Fail => ("FAIL", "31"),
        Verdict::Unknown => ("unknown", "33"),
    };
    paint(&format!("{word:<7}"), colour)
}

/// Emphasis on a terminal.
pub fn strong(text: &str) -> String {
    paint(text, "1")
}

/// A quieter tone on a terminal.
pub fn quiet(text: &str) -> String {
    paint(text, "2")
}

/// What is wrong, on a terminal.
pub fn alarm(text: &str) -> String {
    paint(text, "31")
}

/// A severity, coloured on a terminal and as wide as the longest.
pub fn severity(severity: Severity) -> String {
    let colour = match severity {
        Severity::Critical | Severity::High => "31",
        Severity::Medium => "33",
        Severity::Low | Severity::Info => "36",
    };
    paint(&format!("{:<8}", severity.to_string()), colour)
}

fn paint(text: &str, code: &str) -> String {
    if colours(&std::io::stdout()) { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A finding in two lines: what and where, then what to do.
pub fn finding(finding: &Finding) {
    line(format!(
        "  {} {}  {}  {}",
        self::severity(finding.severity),
        strong(&finding.rule),
        finding.place,
        finding.message
    ));
    line(format!("           {}", quiet(&finding.remediation)));
}

/// A progress bar on standard error for whatever takes more than a second; nothing where that is no
/// terminal.
pub struct Bar {
    bar: ProgressBar,
    step: Mutex<String>,
}

impl Bar {
    /// A bar that shows itself once there is something to wait for.
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        // The template is a constant; were it wrong, indicatif's default would do.
        if let Ok(style) =
            ProgressStyle::with_template("  {spinner} {msg} {wide_bar} {percent:>3} % {eta:>4}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, step: Mutex::default() }
    }

    /// A line above the bar that stays; nothing where nobody watches.
    pub fn say(&self, line: &str) {
        self.bar.println(line);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn step(&self, what: &str) {
        if let Ok(mut step) = self.step.lock() {
            what.clone_into(&mut step);
        }
        self.bar.set_message(what.to_owned());
        self.bar.set_length(0);
        self.bar.set_position(0);
    }

    fn advance(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}
