//! What is to be thought of what happens: the same call is harmful when a file is imported, worth a look in a method,
//! and worth a note in a function that nobody calls.

use super::effects::Effect;
use super::machine::{Event, Reach, What, is_credential};
use super::value::{Taint, Value};
use crate::formats::page;

/// A finding before it has its place.
pub(super) struct Judged {
    pub(super) rule: &'static str,
    pub(super) message: String,
}

fn judged(rule: &'static str, message: impl Into<String>) -> Option<Judged> {
    Some(Judged { rule, message: message.into() })
}

/// Judges one event; `None` where there is nothing to tell.
pub(super) fn judge(event: &Event) -> Option<Judged> {
    let when = match event.reach {
        Reach::Import => "when the file is imported",
        Reach::Load => "when a loader makes an object of it",
        Reach::Use => "when a method is called",
        Reach::Handed => "when what it is handed to calls it",
        Reach::Dormant => "in a function that nothing here calls",
    };
    let event = &Event { reach: settled(event), ..event.clone() };
    let at_load = event.reach >= Reach::Load;
    let hidden = if event.hidden { ", in a text that was put together or decoded" } else { "" };
    match &event.what {
        What::Effect { effect, name, arguments, taint, handed } => {
            let shown = shown(arguments);
            let call = if *handed {
                format!("hands {name} to something that calls it")
            } else {
                format!("calls {name}{shown}")
            };
            let told = format!("{call} {when}{hidden}");
            effect_of(*effect, name, arguments, *taint, event, told)
        }
        What::RunsUnknown { how, taint } => {
            let origin = if taint.has(Taint::NETWORK) {
                "comes from the network"
            } else if taint.has(Taint::DECODED) {
                "is decoded or decrypted first"
            } else if taint.has(Taint::FILE) {
                "is read from a file"
            } else {
                "is not known"
            };
            let told = format!("{how} runs code that {origin}, {when}{hidden}");
            let worse = taint.has(Taint::NETWORK) || taint.has(Taint::DECODED);
            match (at_load, worse, event.reach) {
                (true, true, _) => judged("python/runs-on-import", told),
                (false, true, _) => judged("python/hidden-code", told),
                (true, false, _) => judged("python/computed", told),
                (false, false, Reach::Use) => judged("python/evaluates-data", told),
                (false, false, _) => judged("python/capability", told),
            }
        }
        What::RunsHidden => judged(
            "python/hidden-code",
            format!("runs a text as code that is put together or decoded {when}"),
        ),
        What::ComputedName(name) => match event.reach {
            Reach::Dormant => judged(
                "python/capability",
                format!("looks up a name in {name} that it puts together, {when}"),
            ),
            _ => judged(
                "python/hidden-code",
                format!("reaches {name} by a name that is put together, {when}{hidden}"),
            ),
        },
        What::ImportsUnknown if at_load => {
            judged("python/computed", format!("imports a module whose name is not known, {when}"))
        }
        What::ImportsUnknown => {
            judged("python/capability", format!("imports a module whose name is not known, {when}"))
        }
        What::ImportsFrom(path) if event.reach >= Reach::Use => judged(
            "python/computed",
            format!("imports modules from inside of the file {path:?}, {when}{hidden}"),
        ),
        What::ImportsFrom(path) => {
            judged("python/capability", format!("imports modules from inside of the file {path:?}, {when}"))
        }
        What::Introspection(path) if event.reach == Reach::Dormant => {
            judged("python/capability", format!("walks through {path} {when}"))
        }
        What::Introspection(path) => judged("python/escape", format!("walks through {path} {when}{hidden}")),
        What::Replaces(what) if at_load => judged("python/replaces", format!("replaces {what} {when}")),
        What::Replaces(what) => judged("python/capability", format!("replaces {what} {when}")),
        // The bytes are looked into by the pickle interpreter.
        What::Unpickles(_) => None,
        What::Writes(path) if is_startup(path) && event.reach >= Reach::Use => {
            judged("python/persistence", format!("writes {path:?}, which runs by itself, {when}{hidden}"))
        }
        What::Writes(path) if at_load => {
            judged("python/writes-on-import", format!("opens {path:?} for writing {when}{hidden}"))
        }
        What::Writes(path) => judged("python/capability", format!("opens {path:?} for writing {when}")),
        What::Foreign(what) if event.reach >= Reach::Use => {
            judged("python/foreign-code", format!("loads {what:?} and the code that comes with it {when}"))
        }
        What::Foreign(what) => {
            judged("python/capability", format!("loads {what:?} and the code that comes with it {when}"))
        }
        What::Outside(_) => None,
        What::SendsInput(name) => judged(
            "python/runs-in-use",
            format!("calls {name} whenever the model is used, which may send what it is given elsewhere"),
        ),
        What::Budget => judged("python/budget", "there is more to follow than is followed"),
    }
}

/// What a function does that another package was given: what it runs of its caller's choosing is for that caller to
/// use. The rest is its own affair, and as good as never called.
fn settled(event: &Event) -> Reach {
    let theirs = match &event.what {
        What::Effect { effect, taint, .. } => {
            matches!(effect, Effect::Command | Effect::Code | Effect::Install) && taint.has(Taint::CALLER)
        }
        // Tables of texts are evaluated cell by cell in many notebooks.
        What::RunsUnknown { how, taint } => *how != "eval" && taint.has(Taint::CALLER),
        _ => false,
    };
    match (event.reach, theirs) {
        (Reach::Handed, false) => Reach::Dormant,
        (Reach::Handed, true) => Reach::Use,
        (reach, _) => reach,
    }
}

fn effect_of(
    effect: Effect,
    name: &str,
    arguments: &[Value],
    taint: Taint,
    event: &Event,
    told: String,
) -> Option<Judged> {
    let at_load = event.reach >= Reach::Load;
    let in_use = event.reach >= Reach::Use;
    let capability = "python/capability";
    if effect == Effect::Page {
        let reached = arguments.iter().filter_map(Value::as_text).find_map(page::reaches)?;
        return judged("notebook/script", format!("{told}: a script that uses {reached}"));
    }
    let rule = match effect {
        Effect::Command if asks_only(arguments) && !event.hidden => capability,
        Effect::Command | Effect::Code | Effect::Install if at_load => "python/runs-on-import",
        Effect::Code if taint.has(Taint::NETWORK) || taint.has(Taint::DECODED) => "python/hidden-code",
        Effect::Command | Effect::Install if in_use => "python/runs-in-use",
        Effect::Code if in_use => "python/evaluates-data",
        Effect::Native if at_load => "python/native-code",
        Effect::Native if in_use => "python/native-code",
        Effect::Network if taint.has(Taint::SECRET) && in_use => "python/exfiltration",
        Effect::Network | Effect::Hub
            if in_use && arguments.iter().filter_map(Value::as_text).any(is_private) =>
        {
            "python/exfiltration"
        }
        Effect::Network | Effect::Hub if at_load => "python/network-on-import",
        Effect::Spy if in_use => "python/reads-credentials",
        Effect::Foreign if in_use => "python/foreign-code",
        Effect::Write if in_use && arguments.iter().filter_map(Value::as_text).any(is_startup) => {
            "python/persistence"
        }
        Effect::Write if at_load => "python/writes-on-import",
        Effect::Deserialise if at_load => "python/unsafe-load",
        Effect::Secret if at_load && name == "open" => "python/reads-credentials",
        Effect::Secret if name == "open" && arguments.iter().filter_map(Value::as_text).any(is_private) => {
            "python/reads-credentials"
        }
        Effect::Secret | Effect::Caller | Effect::Decode => return None,
        _ => capability,
    };
    judged(rule, told)
}

/// Programs that only answer a question about the machine, as build scripts ask.
fn asks_only(arguments: &[Value]) -> bool {
    let Some(line) = arguments.first().and_then(Value::as_text) else { return false };
    if line.contains(['|', ';', '&', '>', '<', '`', '$', '\n']) {
        return false;
    }
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    match program {
        "uname" | "nproc" | "nvidia-smi" | "rocminfo" | "lscpu" | "sw_vers" | "ldconfig" => true,
        "git" => matches!(words.next(), Some("describe" | "rev-parse" | "log" | "status" | "tag")),
        "nvcc" | "gcc" | "g++" | "clang" | "cmake" | "ninja" | "python" | "python3" | "rustc" | "cargo"
        | "ffmpeg" | "java" => {
            words.clone().count() == 1 && matches!(words.next(), Some("--version" | "-V" | "-v" | "-version"))
        }
        "which" | "where" | "pkg-config" | "sysctl" => true,
        _ => false,
    }
}

/// Files that something runs by itself later.
fn is_startup(path: &str) -> bool {
    [
        ".bashrc",
        ".bash_profile",
        ".profile",
        ".zshrc",
        ".ssh/authorized_keys",
        "/etc/cron",
        "crontab",
        "/etc/init.d",
        "/etc/systemd",
        ".config/systemd",
        ".config/autostart",
        "LaunchAgents",
        "LaunchDaemons",
        "sitecustomize.py",
        "usercustomize.py",
        ".pth",
        "/etc/ld.so.preload",
        "Start Menu/Programs/Startup",
        "/etc/rc.local",
        ".git/hooks",
    ]
    .iter()
    .any(|part| path.contains(part))
        // Checkpoints have the ending of Python's path files.
        && (!path.contains(".pth") || path.contains("site-packages"))
}

/// Credentials that no model has a use for.
fn is_private(path: &str) -> bool {
    is_credential(path) && !path.contains("huggingface") && !path.ends_with(".env")
}

/// The first known text among the arguments, shortened, for the one who reads the finding.
fn shown(arguments: &[Value]) -> String {
    match arguments.iter().find_map(Value::as_text) {
        Some(text) => {
            let short: String = text.chars().take(60).collect();
            let rest = if short.len() < text.len() { "…" } else { "" };
            format!(" with {:?}", format!("{short}{rest}"))
        }
        None => String::new(),
    }
}
