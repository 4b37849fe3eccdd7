//! What is to be thought of what happens: the same call is harmful when a file is imported, worth a look in a method,
//! and worth a note in a function that nobody calls.

use super::effects::Effect;
use super::known::is_named;
use super::machine::{Event, Manner, Reach, What};
use super::value::{GAP, Taint, Value};
use crate::address;
use crate::credential::is_credential;
use crate::formats::page;
use crate::formats::shell::{is_harmful, is_ordinary, only_installs};
use hub::is_known_hub;

mod hub;

/// A finding before it has its place.
pub(super) struct Judged {
    pub(super) rule: &'static str,
    pub(super) message: String,
}

fn judged(rule: &'static str, message: impl Into<String>) -> Option<Judged> {
    Some(Judged { rule, message: message.into() })
}

/// How a source comes to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Started {
    /// Something imports it: a loader, another source, an installer.
    Imported,
    /// A person starts it, knowing what it is for: a script of its own.
    ByHand,
    /// A person runs it cell by cell, often one that somebody else wrote: what it unpickles is told.
    Cells,
}

/// Judges one event; `None` where there is nothing to tell.
pub(super) fn judge(event: &Event, started: Started) -> Option<Judged> {
    let when = match event.reach {
        Reach::Import => "when the file is imported",
        Reach::Load => "when a loader makes an object of it",
        Reach::Use => "when a method is called",
        Reach::Handed | Reach::Given => "when what it is handed to calls it",
        Reach::Dormant => "in a function that nothing here calls",
    };
    let event = &Event { reach: settled(event), ..event.clone() };
    let at_load = event.reach >= Reach::Load;
    let hidden = if event.hidden { ", in a text that was put together or decoded" } else { "" };
    match &event.what {
        What::Effect { effect, name, arguments, taint, manner } => {
            let shown = shown(arguments);
            let call = if *manner == Manner::Handed {
                format!("hands {name} to something that calls it")
            } else {
                format!("calls {name}{shown}")
            };
            let told = format!("{call} {when}{hidden}");
            let whole = (*effect, name.as_str(), arguments.as_slice(), *taint, *manner);
            effect_of(whole, event, started, told)
        }
        What::RunsUnknown { how, taint } => {
            let fetched = Taint::NETWORK.and(Taint::HUB);
            let origin = if taint.has(fetched) {
                "comes from the network"
            } else if taint.has(Taint::DECODED) {
                "is decoded or decrypted first"
            } else if taint.has(Taint::FILE) {
                "is read from a file"
            } else {
                "is not known"
            };
            let told = format!("{how} runs code that {origin}, {when}{hidden}");
            let worse = taint.has(fetched.and(Taint::DECODED));
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
        // Programs that run in several copies replace `print` in all but one.
        What::Replaces(what) if at_load || event.reach >= Reach::Use && !what.contains("print") => {
            judged("python/replaces", format!("replaces {what} {when}"))
        }
        What::Replaces(what) => judged("python/capability", format!("replaces {what} {when}")),
        What::ReadsBack(name) => judged(
            "python/reads-back",
            format!(
                "{name} reads a pickle that the source wrote before: that nothing else writes there is not proven"
            ),
        ),
        What::ReadsTheirs(name) => judged(
            "python/reads-back",
            format!(
                "{name} reads a pickle that lies with whoever runs this, and is not here to be looked into"
            ),
        ),
        // The bytes are looked into by the pickle interpreter.
        What::Unpickles(_) | What::Template(_) => None,
        What::Variable(name) if event.reach >= Reach::Use => judged(
            "code/environment",
            format!("sets {name} {when}: programs that are started load code by it"),
        ),
        What::Variable(name) => judged("python/capability", format!("sets {name} {when}")),
        What::Writes(path) if is_startup(path) && event.reach >= Reach::Use => {
            judged("python/persistence", format!("writes {path:?}, which runs by itself, {when}{hidden}"))
        }
        What::WalksAll(name) if event.reach > Reach::Dormant => judged(
            "python/reads-credentials",
            format!("walks through a home or a whole file system by {name} {when}{hidden}"),
        ),
        What::WalksAll(name) => judged(
            "python/capability",
            format!("walks through a home or a whole file system by {name} {when}"),
        ),
        What::WritesCommand(text) => {
            let shown: String = text.chars().take(60).collect();
            judged("code/harmful", format!("writes a command that no model needs into a file: {shown:?}"))
        }
        What::Writes(path)
            if at_load && started != Started::Imported && !is_credential(path) && !of_the_system(path) =>
        {
            judged("python/capability", format!("opens {path:?} for writing {when}"))
        }
        What::Writes(path) if at_load => {
            judged("python/writes-on-import", format!("opens {path:?} for writing {when}{hidden}"))
        }
        // Devices hold file systems, and nothing of a model.
        What::Writes(path)
            if event.reach >= Reach::Use && path.starts_with("/dev/") && of_the_system(path) =>
        {
            judged("python/persistence", format!("writes {path:?}, which is the machine's, {when}{hidden}"))
        }
        What::Writes(path) => judged("python/capability", format!("opens {path:?} for writing {when}")),
        What::Foreign(what) if event.reach >= Reach::Use => {
            judged("python/foreign-code", format!("loads {what:?} and the code that comes with it {when}"))
        }
        What::Foreign(what) => {
            judged("python/capability", format!("loads {what:?} and the code that comes with it {when}"))
        }
        // Told together, in one finding.
        What::Outside(_) | What::Stranger(_) | What::CallsUnknown(_) => None,
        What::SendsInput(name) => judged(
            "python/runs-in-use",
            format!(
                "calls {name} whenever the model is used or trained, which may send what it is given elsewhere"
            ),
        ),
        What::StartsFetched(path) => judged(
            "code/runs-fetched",
            format!("starts {path:?}, which it has fetched before, {when}{hidden}"),
        ),
        What::Mines(pool) => judged("code/harmful", format!("computes for the pool {pool:?} {when}{hidden}")),
        What::LeadsTo(host) => {
            let why = address::nameless(host).unwrap_or("an address without a name");
            judged("python/nameless-host", format!("leads to {host}, {why}, {when}{hidden}"))
        }
        What::Orders(what) => judged("template/words", format!("the description of a tool: {what}")),
        What::Budget => judged("python/budget", "there is more to follow than is followed"),
    }
}

/// What a function does that another package was given: what it runs of its caller's choosing is for that caller to
/// use. The rest is its own affair, and as good as never called.
fn settled(event: &Event) -> Reach {
    let theirs = match &event.what {
        What::Effect { effect, taint, .. } => {
            matches!(effect, Effect::Command | Effect::Code | Effect::Install | Effect::Deserialise)
                && taint.has(Taint::CALLER)
        }
        // Tables of texts are evaluated cell by cell in many notebooks.
        What::RunsUnknown { how, taint } => *how != "eval" && taint.has(Taint::CALLER),
        _ => false,
    };
    // What was given away while the source was imported is run by somebody, whatever it runs.
    let starts = matches!(
        event.what,
        What::Effect { effect: Effect::Command | Effect::Install, .. } | What::RunsHidden
    );
    match (event.reach, theirs) {
        (Reach::Given, _) if starts => Reach::Use,
        (Reach::Handed | Reach::Given, false) => Reach::Dormant,
        (Reach::Handed | Reach::Given, true) => Reach::Use,
        (reach, _) => reach,
    }
}

/// An effect with its name, its arguments, where they came from, and how it is called.
type Call<'e> = (Effect, &'e str, &'e [Value], Taint, Manner);

fn effect_of(call: Call<'_>, event: &Event, started: Started, told: String) -> Option<Judged> {
    let (effect, name, arguments, taint, _) = call;
    let at_load = event.reach >= Reach::Load;
    let in_use = event.reach >= Reach::Use;
    let capability = "python/capability";
    if effect == Effect::Page {
        let reached = arguments.iter().filter_map(Value::as_text).find_map(page::reaches)?;
        return judged("notebook/script", format!("{told}: a script that uses {reached}"));
    }
    let ordinary = !event.hidden && is_work(call);
    // What is written, given or as the path whose method it is.
    let itself = Value::outside(name);
    let paths = || arguments.iter().chain([&itself]).filter_map(self::told);
    let unpickles = effect == Effect::Deserialise && !name.starts_with("torch.");
    let by_hand = started == Started::ByHand || started == Started::Cells && !unpickles;
    let rule = match effect {
        Effect::Command if asks_only(arguments) && !event.hidden => capability,
        // What a line of the shell in a cell may do, a call there may.
        Effect::Command if started == Started::Cells && !event.hidden && installs(arguments) => capability,
        _ if ordinary && by_hand && event.reach >= Reach::Load => capability,
        // Programs that everybody has, started with words that are written here.
        Effect::Command if ordinary && at_load => "python/runs-in-use",
        Effect::Command if ordinary && in_use => capability,
        // A line that no model has a use for is none whoever runs it.
        Effect::Command
            if !at_load && !in_use && arguments.iter().filter_map(Value::as_text).any(is_harmful) =>
        {
            "code/harmful"
        }
        Effect::Command | Effect::Code | Effect::Install if at_load => "python/runs-on-import",
        Effect::Code if taint.has(Taint::NETWORK.and(Taint::HUB).and(Taint::DECODED)) => "python/hidden-code",
        Effect::Command | Effect::Install if in_use => "python/runs-in-use",
        Effect::Code if in_use => "python/evaluates-data",
        Effect::Native if at_load => "python/native-code",
        Effect::Native if in_use => "python/native-code",
        Effect::Network if (taint.has(Taint::SECRET) || taint.has(Taint::KEY)) && in_use => {
            "python/exfiltration"
        }
        // The whole environment or a file of credentials is nobody's to send, whoever runs it.
        Effect::Network if taint.has(Taint::SECRET) => "python/reads-credentials",
        // A visitor's key that goes to somebody's chat.
        Effect::Network if taint.has(Taint::KEY) && taint.has(Taint::CALLER) && is_chat(name) => {
            "python/reads-credentials"
        }
        Effect::Network if in_use && arguments.iter().filter_map(Value::beginning).any(asks_credentials) => {
            "python/reads-credentials"
        }
        // Installing is running: what a build of a package asks the network for, it asks on each machine.
        Effect::Network if in_use && event.path.ends_with("setup.py") => "python/network-on-import",
        Effect::Network | Effect::Hub
            if in_use && arguments.iter().filter_map(Value::as_text).any(is_private) =>
        {
            "python/exfiltration"
        }
        // A class that fetches what it is told to, as loading by name does.
        Effect::Hub
            if event.reach == Reach::Load && arguments.first().is_none_or(|v| v.beginning().is_none()) =>
        {
            capability
        }
        Effect::Network | Effect::Hub if at_load => "python/network-on-import",
        Effect::Spy if in_use => "python/reads-credentials",
        Effect::Foreign if started == Started::Cells && !event.hidden && is_known_hub(name, arguments) => {
            capability
        }
        Effect::Foreign if in_use => "python/foreign-code",
        Effect::Write if in_use && paths().any(|path| is_startup(&path)) => "python/persistence",
        Effect::Write if in_use && paths().any(|path| matches!(path.as_str(), "/" | "~" | "~/")) => {
            "python/persistence"
        }
        // A folder of somebody's own; what begins with a dot is what programs keep there.
        Effect::Write
            if in_use
                && name == "shutil.rmtree"
                && paths().any(|path| path.strip_prefix("~/").is_some_and(|rest| !rest.starts_with('.'))) =>
        {
            "python/persistence"
        }
        // A folder at the root of the machine, other than one for what comes and goes.
        Effect::Write if in_use && name == "shutil.rmtree" && paths().any(|path| is_of_the_root(&path)) => {
            "python/persistence"
        }
        // A name server is asked for what somebody else's answers: whatever stands before its name is told to it.
        Effect::Network if in_use && is_lookup(name) && arguments.first().is_some_and(is_put_together) => {
            "python/exfiltration"
        }
        // A copy of a key lies where whoever wrote this looks for it.
        Effect::Write
            if in_use
                && ["shutil.copy", "shutil.move"].iter().any(|copies| name.starts_with(copies))
                && arguments.first().and_then(Value::as_text).is_some_and(is_private) =>
        {
            "python/reads-credentials"
        }
        Effect::Write
            if in_use && (name.starts_with("winreg.") || paths().any(|path| of_the_system(&path))) =>
        {
            "python/persistence"
        }
        Effect::Write if at_load => "python/writes-on-import",
        // Tags of YAML that call what they name.
        Effect::Deserialise
            if in_use && arguments.iter().filter_map(Value::as_text).any(|t| t.contains("!!python/")) =>
        {
            "python/unsafe-load"
        }
        // The program of a network, in torch's own language; the file is scanned where it lies.
        Effect::Deserialise if at_load && name == "torch.jit.load" && !taint.has(Taint::NETWORK) => {
            capability
        }
        Effect::Deserialise if at_load => "python/unsafe-load",
        // What somebody sends is of their making.
        Effect::Deserialise if taint.has(Taint::NETWORK) || in_use && taint.has(Taint::CALLER) => {
            "python/unsafe-load"
        }
        Effect::Secret if at_load && name == "open" => "python/reads-credentials",
        Effect::Secret if name == "open" && arguments.iter().filter_map(Value::as_text).any(is_private) => {
            "python/reads-credentials"
        }
        Effect::Secret | Effect::Caller | Effect::Decode => return None,
        _ => capability,
    };
    judged(rule, told)
}

/// What scripts are written for: programs that everybody has, files fetched by address, models read, results written.
/// Nothing of it may carry secrets, come from decoding, or reach what is the machine's.
fn is_work((effect, name, arguments, taint, manner): Call<'_>) -> bool {
    let texts: Vec<String> = arguments.iter().chain([&Value::outside(name)]).filter_map(told).collect();
    let of_machine = |text: &String| {
        is_credential(text)
            || is_startup(text)
            || of_the_system(text)
            || is_harmful(text)
            || text.contains("!!python")
    };
    let kept = if effect == Effect::Network { Taint::SECRET.and(Taint::KEY) } else { Taint::SECRET };
    if taint.has(kept.and(Taint::DECODED))
        || texts.iter().any(of_machine)
        || texts.iter().filter_map(|text| address::host(text)).any(|host| address::nameless(host).is_some())
    {
        return false;
    }
    let verb = name.rsplit('.').next().unwrap_or(name);
    match effect {
        Effect::Command => {
            let first = arguments.first().and_then(Value::beginning);
            !taint.has(Taint::NETWORK.and(Taint::CALLER)) && first.is_some_and(is_ordinary)
        }
        // What a hub gives is loaded without a way to run code, or somebody has to look at it.
        Effect::Deserialise => {
            let reads =
                ["load", "loads", "load_model", "read_pickle", "load_all", "full_load"].contains(&verb);
            let trusted =
                manner == Manner::Unprotected && (taint.has(Taint::HUB) || !name.starts_with("torch."));
            reads
                && !trusted
                && !taint.has(Taint::NETWORK)
                && (!taint.has(Taint::HUB) || name.starts_with("torch."))
        }
        Effect::Write if matches!(verb, "rmtree" | "removedirs") => texts.iter().any(|text| {
            !text.starts_with(['/', '~', '\u{fffc}']) && !text.contains("..") && !text.contains('.')
        }),
        Effect::Write => !name.starts_with("winreg."),
        Effect::Hub => true,
        Effect::Network => {
            let asks = manner != Manner::Sending
                && ["get", "head", "urlretrieve", "urlopen", "download", "stream"].contains(&verb);
            let mut hosts = texts.iter().filter(|text| text.contains("://")).peekable();
            let near = |text: &String| address::host(text).is_some_and(address::is_near);
            let own = hosts.peek().is_some() && hosts.clone().all(near);
            let asked = |text: &String| {
                text.starts_with("https://") && address::host(text).is_some_and(address::answers_questions)
            };
            let service = verb == "post" && hosts.peek().is_some() && hosts.clone().all(asked);
            own || service || asks && hosts.all(|text| text.starts_with("https://") || near(text))
        }
        _ => false,
    }
}

/// The text of an argument, or the path that it is or opens.
fn told(value: &Value) -> Option<String> {
    match value {
        Value::Outside(name, _) => {
            let inner = name.strip_prefix("pathlib.Path<").or_else(|| name.strip_prefix("builtins.open<"))?;
            Some(inner.split_once('>')?.0.to_owned())
        }
        other => other.beginning().map(str::to_owned),
    }
}

/// Whether a path is one of the machine, of its settings or of installed packages, where no script of a model writes.
fn of_the_system(path: &str) -> bool {
    const ROOTS: [&str; 12] = [
        "/etc",
        "/dev/sd",
        "/dev/nvme",
        "/dev/mem",
        "/dev/disk",
        "/proc",
        "/sys",
        "/boot",
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
    ];
    const INSIDE: [&str; 9] = [
        "site-packages",
        "dist-packages",
        "autostart",
        "AppData/",
        "AppData\\",
        "LaunchAgents",
        "CurrentVersion",
        ".git/hooks",
        "System32",
    ];
    let whole = matches!(path, "/" | "~" | "~/" | "/root" | "/home" | "C:\\");
    let below = |root: &&str| {
        path.strip_prefix(*root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || root.contains("dev"))
    };
    whole || ROOTS.iter().any(below) || INSIDE.iter().any(|part| path.contains(part))
}

/// Whether an address is one at which a machine of a cloud is told its credentials.
fn asks_credentials(text: &str) -> bool {
    let credentials = ["security-credentials", "iam", "oauth2", "service-accounts", "/token"];
    address::host(text).is_some_and(address::is_metadata)
        && credentials.iter().any(|part| text.contains(part))
}

/// Whether a path is a folder at the root of the machine that others keep things in.
fn is_of_the_root(path: &str) -> bool {
    const FOR_NOW: [&str; 8] = ["tmp", "temp", "content", "kaggle", "workspace", "scratch", "out", "output"];
    let inner = path.strip_prefix('/').map(|inner| inner.trim_end_matches('/'));
    inner.is_some_and(|inner| !inner.is_empty() && !inner.contains('/') && !FOR_NOW.contains(&inner))
}

/// Functions that ask for the address of a name.
fn is_lookup(name: &str) -> bool {
    [
        "socket.gethostbyname",
        "socket.gethostbyname_ex",
        "socket.getaddrinfo",
        "dns.resolver.resolve",
        "dns.resolver.query",
    ]
    .contains(&name)
}

/// Whether a host's name begins with something that only a run would tell, and ends in a public one.
fn is_put_together(host: &Value) -> bool {
    let Some(text) = host.as_text().or_else(|| host.beginning()) else { return false };
    let end = text.rsplit('\u{fffc}').next().unwrap_or_default();
    text.contains('\u{fffc}') && end.starts_with('.') && end.len() > 3 && !address::is_near(end)
}

/// Services by which people are told something.
fn is_chat(name: &str) -> bool {
    ["telegram", "discord", "slack", "smtplib", "twilio", "socket", "telebot", "yagmail"]
        .iter()
        .any(|service| name.starts_with(service))
}

/// Programs that only answer a question about the machine, as build scripts ask.
fn asks_only(arguments: &[Value]) -> bool {
    let Some(line) = arguments.first().and_then(Value::as_text) else { return false };
    if line.contains(['|', ';', '&', '>', '<', '`', '$', '\n']) {
        return false;
    }
    if installs_known(line) {
        return true;
    }
    let all: Vec<&str> = line.split_whitespace().collect();
    if matches!(all[..], [_, "--version" | "-V" | "-version"]) {
        return true;
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

/// Whether a program is started that installs packages which are written here.
fn installs(arguments: &[Value]) -> bool {
    let line = arguments.first().and_then(Value::beginning);
    line.is_some_and(|line| !line.contains(GAP) && only_installs(line))
}

/// Whether a line only installs packages that models are written with, from the index.
fn installs_known(line: &str) -> bool {
    let mut words =
        line.split_whitespace().skip_while(|w| !matches!(w.rsplit('/').next(), Some("pip" | "pip3")));
    if words.next().is_none() || words.next() != Some("install") {
        return false;
    }
    let packages: Vec<&str> = words.filter(|word| !word.starts_with('-')).collect();
    let plain =
        |word: &str| word.split(['=', '<', '>', '~', '!', '[']).next().unwrap_or(word).replace('-', "_");
    !packages.is_empty() && packages.iter().all(|word| !word.contains([':', '/']) && is_named(&plain(word)))
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
        ".ipython/profile_default/startup",
        ".jupyter/jupyter_",
        ".pythonrc",
        ".vscode/tasks.json",
        ".config/fish/config.fish",
        ".zshenv",
        ".zprofile",
        ".bash_login",
        ".Rprofile",
        ".julia/config/startup.jl",
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
    match arguments.iter().find_map(Value::beginning) {
        Some(text) => {
            let short: String = text.chars().take(60).collect();
            let rest = if short.len() < text.len() { "…" } else { "" };
            format!(" with {:?}", format!("{short}{rest}"))
        }
        None => String::new(),
    }
}
