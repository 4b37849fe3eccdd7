//! Settings by which tools start a program, load code, or take what they install from somebody: a line each, in whatever
//! grammar of keys and values.
//!
//! Builders, installers and editors read these in the folder that they are started in. Most files of the kind say nothing
//! of it; what is told is a program or a library of the folder itself that takes the place of a tool's own, and a server
//! that is nobody's index.

use proofhouse_core::Place;

use super::tools::at;
use crate::formats::shell;
use crate::scanner::{Content, Scanner};
use crate::{address, credential};

/// A setting, by the files that it stands in and its key.
struct Setting {
    files: &'static [&'static str],
    keys: &'static [&'static str],
    told: Told,
    what: &'static str,
}

/// What a value has to be for the setting to be told.
#[derive(Clone, Copy)]
enum Told {
    /// Anything: no model needs the setting.
    Any,
    /// A file of the folder.
    Own,
    /// An address that is nobody's index.
    Foreign,
    /// A text that begins or goes on with one of these.
    Holds(&'static [&'static str]),
    /// An address that nobody answers for.
    Nameless,
}

#[rustfmt::skip]
const SETTINGS: [Setting; 23] = [
    Setting { files: &[".npmrc"], keys: &["script-shell", "node-options", "shell", "git", "onload-script", "init-module"], told: Told::Any,
        what: "npm starts what the setting names" },
    Setting { files: &[".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml"], keys: &["registry", "npmregistryserver"], told: Told::Foreign,
        what: "packages are fetched from elsewhere" },
    Setting { files: &[".gitmodules"], keys: &["url", "path"], told: Told::Holds(&["-"]), what: "git takes the value for an option" },
    Setting { files: &[".gitmodules"], keys: &["url"], told: Told::Holds(&["ext::", "fd::"]), what: "git starts what the address names" },
    Setting { files: &[".gitmodules"], keys: &["update"], told: Told::Holds(&["!"]), what: "git starts what the setting names" },
    Setting { files: &[".gitmodules"], keys: &["path"], told: Told::Holds(&["../", "/.git", ".git/"]), what: "git writes where the module does not belong" },
    Setting { files: &["config.toml", "config"], keys: &["rustc-wrapper", "rustc-workspace-wrapper", "rustc", "rustdoc"], told: Told::Own,
        what: "Cargo starts a program of this folder" },
    Setting { files: &["rust-toolchain.toml", "rust-toolchain"], keys: &["path"], told: Told::Any, what: "the compiler is one of this folder" },
    Setting { files: &["gradle.properties", "jvm.config", "maven.config", ".jvmopts", "jvm.options"],
        keys: &["org.gradle.jvmargs", ""], told: Told::Holds(&["-javaagent:", "-agentpath:", "-agentlib:"]),
        what: "the machine of Java loads an agent" },
    Setting { files: &["gradle-wrapper.properties", "maven-wrapper.properties"], keys: &["distributionurl", "wrapperurl"], told: Told::Foreign,
        what: "the builder itself is fetched from elsewhere" },
    Setting { files: &["tox.ini", "setup.cfg", ".pydistutils.cfg", "pydistutils.cfg", "pdm.toml", "uv.toml", "poetry.toml", "pip.conf"], keys: &["index_url", "indexserver", "extra_index_url"], told: Told::Foreign,
        what: "packages are fetched from elsewhere" },
    Setting { files: &[".pre-commit-config.yaml", "prefect.yaml"], keys: &["repo", "repository"], told: Told::Foreign, what: "code that runs is fetched from elsewhere" },
    Setting { files: &["bentofile.yaml"], keys: &["setup_script"], told: Told::Foreign, what: "a script that runs is fetched from elsewhere" },
    Setting { files: &["config"], keys: &["url", "endpointurl"], told: Told::Nameless, what: "data go where nobody answers for" },
    Setting { files: &[".renviron"], keys: &["r_profile_user", "r_profile", "r_environ", "r_libs_user"], told: Told::Own, what: "R runs a file of this folder when it starts" },
    Setting { files: &[".wgetrc", "_wgetrc", ".curlrc", "_curlrc"], keys: &["proxy", "http_proxy", "https_proxy", "post_file", "use_askpass"], told: Told::Any,
        what: "all that is fetched goes by somebody else" },
    Setting { files: &[".hgrc", "hgrc"], keys: &["*"], told: Told::Holds(&["!", "python:"]), what: "Mercurial starts what the setting names" },
    Setting { files: &["taskfile.yml", "taskfile.yaml"], keys: &["*", "taskfile"], told: Told::Foreign, what: "tasks are fetched from elsewhere" },
    Setting { files: &[".gitlab-ci.yml"], keys: &["remote"], told: Told::Foreign, what: "jobs are fetched from elsewhere" },
    Setting { files: &["ansible.cfg"], keys: &["library", "action_plugins", "callback_plugins", "vault_password_file", "filter_plugins", "strategy_plugins"], told: Told::Holds(&["/tmp", "/dev/shm", "http"]),
        what: "Ansible loads code from there" },
    Setting { files: &[".bazelrc", "bazel.bazelrc"], keys: &["*"], told: Told::Holds(&["--credential_helper=./", "--remote_executor=grpc://", "--override_repository=http"]),
        what: "Bazel starts or asks what the option names" },
    Setting { files: &["makefile", "gnumakefile"], keys: &["shell"], told: Told::Own, what: "make runs its recipes with a program of this folder" },
    Setting { files: &["lefthook.yml", "lefthook-local.yml", ".lefthook.yml"], keys: &["git_url"], told: Told::Foreign, what: "hooks are fetched from elsewhere" },
];

/// Looks at each line of a file of that name.
pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, name: &str, text: &str) {
    let of: Vec<&Setting> = SETTINGS.iter().filter(|setting| setting.files.contains(&name)).collect();
    // npm ends lines at a carriage return, git's values go on behind a backslash, and texts in quotes have escapes.
    let ended = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let spelt = crate::lines::unescaped(&ended);
    let lines = || ended.lines().zip(0u64..).take(10_000);
    if !of.is_empty() {
        for (line, index) in lines().chain(spelt.lines().zip(0u64..).take(10_000)) {
            if let Some((setting, value)) =
                of.iter().find_map(|setting| Some((setting, told(setting, line)?)))
            {
                let rule = match setting.told {
                    Told::Foreign => "repo/requirement",
                    Told::Nameless => "config/nameless-host",
                    _ => "repo/tool-command",
                };
                let shown: String = value.chars().take(80).collect();
                scanner.report(rule, at(content, index), format!("{}: {shown:?}", setting.what));
            }
        }
    }
    if configuration(name) {
        for (line, index) in lines() {
            if let Some((key, value)) = pair(line) {
                environment(scanner, &at(content, index), key, value);
                destination(scanner, &at(content, index), key, value);
            }
        }
    }
    if [".args", "llamafile_args", "llamafile.args"].contains(&name) {
        arguments(scanner, content, text);
    }
}

/// Whether a file is one of keys and values, for a program to read.
fn configuration(name: &str) -> bool {
    [
        ".yaml",
        ".yml",
        ".toml",
        ".ini",
        ".conf",
        ".cfg",
        ".config",
        ".properties",
        ".params",
        ".renviron",
        ".env",
    ]
    .iter()
    .any(|ending| name.ends_with(ending))
}

/// A key and its value, whatever stands between them.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().trim_start_matches(['-', ' ']).trim_start_matches("export ");
    // git takes a setting in the line of its section.
    let line = match line.strip_prefix('[').and_then(|line| line.split_once(']')) {
        Some((_, behind)) if !behind.trim().is_empty() => behind.trim(),
        _ => line,
    };
    if line.starts_with(['#', ';', '!']) {
        return None;
    }
    let at = line.find(['=', ':']).filter(|at| *at < 64)?;
    let (key, value) = line.split_at_checked(at)?;
    // `@scope:registry=…` has its own mark in the key.
    let (key, value) = match value.strip_prefix(":registry=") {
        Some(value) => ("registry", value),
        None => (key, value.get(1..).unwrap_or_default()),
    };
    let value = value.split(" #").next().unwrap_or(value);
    Some((key.trim().trim_matches(['"', '\'']), value.trim().trim_matches([',']).trim_matches(['"', '\''])))
}

/// The value of a line that is to be told.
fn told<'l>(setting: &Setting, line: &'l str) -> Option<&'l str> {
    let plain = line.trim();
    let (key, value) = match pair(line) {
        Some(pair) => pair,
        None if setting.keys.contains(&"") && !plain.starts_with('#') => ("", plain),
        None => return None,
    };
    let key = key.to_ascii_lowercase();
    let any = setting.keys.contains(&"*") || setting.keys.contains(&"") && plain.starts_with('-');
    if !(any || setting.keys.contains(&key.as_str())) || value.is_empty() {
        return None;
    }
    let value = if any && plain.starts_with('-') { plain } else { value };
    let tells = match setting.told {
        Told::Any => !matches!(value, "true" | "false" | "bash" | "/bin/bash" | "/bin/sh" | "git"),
        Told::Own => own(value),
        Told::Foreign => foreign(value),
        Told::Holds(marks) => {
            marks.iter().any(|mark| value.starts_with(mark) || mark.len() > 3 && value.contains(mark))
        }
        Told::Nameless => address::host(value).and_then(address::nameless).is_some(),
    };
    tells.then_some(value)
}

/// An address that is nobody's index; those of packages of other languages are told apart here.
pub(crate) fn foreign(value: &str) -> bool {
    const KNOWN: [&str; 23] = [
        "torchserve.pytorch.org",
        "registry.npmjs.org",
        "registry.yarnpkg.com",
        "npm.pkg.github.com",
        "registry.npmmirror.com",
        "npm.jsr.io",
        "services.gradle.org",
        "downloads.gradle.org",
        "repo.maven.apache.org",
        "repo1.maven.org",
        "repo.gradle.org",
        "index.crates.io",
        "static.crates.io",
        "mirrors.aliyun.com",
        "pypi.tuna.tsinghua.edu.cn",
        "mirrors.tuna.tsinghua.edu.cn",
        "bitbucket.org",
        "codeberg.org",
        "gitee.com",
        "raw.githubusercontent.com",
        "download.pytorch.org",
        "test.pypi.org",
        "mirrors.cloud.tencent.com",
    ];
    let plain = value.replace("\\:", ":");
    // An address, not a text that has one in it.
    let Some(host) = address::host(&plain).filter(|_| !plain.contains(' ')) else { return false };
    let known = KNOWN.contains(&host) && !plain.starts_with("http://");
    !known && !address::is_near(host) && shell::foreign(&plain)
}

/// Whether a value is a path of the folder that the file lies in.
pub(super) fn own(value: &str) -> bool {
    let value = value.trim_start_matches(['[', '"', '\'', ' ']);
    // Environments that people make for themselves, and what installers put there.
    const MADE: [&str; 10] = [
        ".venv/",
        "venv/",
        "env/",
        ".env/",
        ".conda/",
        ".pixi/",
        "node_modules/",
        "target/",
        "build/",
        ".tox/",
    ];
    let inner = [
        "${workspaceFolder}/",
        "${workspaceRoot}/",
        "${containerWorkspaceFolder}/",
        "$PROJECT_DIR$/",
        "./",
        ".\\",
        "../",
    ];
    let Some(rest) = inner.iter().find_map(|start| value.strip_prefix(start)) else { return false };
    !MADE.iter().any(|made| rest.starts_with(made))
}

/// A variable by which installers take packages from elsewhere.
pub(super) fn index(scanner: &mut Scanner<'_>, place: &Place, key: &str, value: &str) {
    if is_index(key) && value.split([' ', ',']).any(foreign) {
        let message = format!("packages are fetched from elsewhere: {key} is {value:?}");
        scanner.report("repo/requirement", place.clone(), message);
    }
}

/// Whether a variable of the environment names where packages are fetched from.
pub(crate) fn is_index(key: &str) -> bool {
    const INDICES: [&str; 8] = [
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "UV_INDEX",
        "UV_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "UV_EXTRA_INDEX_URL",
        "NPM_CONFIG_REGISTRY",
    ];
    INDICES.contains(&key.to_ascii_uppercase().as_str())
}

/// A variable of the environment that is set for a program, by which it loads code or is led elsewhere.
pub(crate) fn environment(scanner: &mut Scanner<'_>, place: &Place, key: &str, value: &str) {
    const PRELOADS: [&str; 8] = [
        "LD_PRELOAD",
        "LD_AUDIT",
        "DYLD_INSERT_LIBRARIES",
        "PYTHONSTARTUP",
        "BASH_ENV",
        "PROMPT_COMMAND",
        "PERL5OPT",
        "RUBYOPT",
    ];
    const OPTIONS: [&str; 5] = ["--require", "-r ", "--import", "--loader", "--experimental-loader"];
    const AGENTS: [&str; 3] = ["-javaagent:", "-agentpath:", "-agentlib:"];
    index(scanner, place, key, value);
    let loads = match key {
        "NODE_OPTIONS" => OPTIONS.iter().any(|option| value.contains(option)),
        "JAVA_TOOL_OPTIONS" | "_JAVA_OPTIONS" => AGENTS.iter().any(|agent| value.contains(agent)),
        // Libraries of the system that take the place of its allocator are loaded by where they are installed.
        _ => {
            PRELOADS.contains(&key)
                && !value.is_empty()
                && !value.starts_with("/usr/")
                && !value.starts_with("/lib")
                && !value.starts_with("/opt/")
        }
    };
    if loads {
        let shown: String = value.chars().take(80).collect();
        let message = format!("sets {key}, by which programs load code: {shown:?}");
        scanner.report("code/environment", place.clone(), message);
    }
    const LEADS: [&str; 8] = [
        "ANTHROPIC_BASE_URL",
        "OPENAI_BASE_URL",
        "OPENAI_API_BASE",
        "HF_ENDPOINT",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
        "MLFLOW_TRACKING_URI",
    ];
    if LEADS.contains(&key)
        && let Some(why) = address::host(value).and_then(address::nameless)
    {
        scanner.report("config/nameless-host", place.clone(), format!("{key:?} leads to {value:?}, {why}"));
    }
}

/// A file that a program is told to write, and that something runs by itself or that keeps keys.
pub(super) fn destination(scanner: &mut Scanner<'_>, place: &Place, key: &str, value: &str) {
    const WRITES: [&str; 9] =
        ["output", "out", "log", "save", "dump", "dest", "export", "checkpoint", "write"];
    const RUN: [&str; 20] = [
        ".bashrc",
        ".bash_profile",
        ".profile",
        ".zshrc",
        ".zshenv",
        ".bash_login",
        "/etc/cron",
        "/var/spool/cron",
        "authorized_keys",
        "/etc/profile",
        "/etc/ld.so.preload",
        "/etc/sudoers",
        "/etc/systemd/",
        ".config/autostart",
        "/etc/rc.local",
        "sitecustomize.py",
        "usercustomize.py",
        "/.git/hooks",
        ".config/systemd",
        "/etc/passwd",
    ];
    let lower = key.to_ascii_lowercase();
    let writes = lower.split(['_', '-', '.']).any(|part| WRITES.iter().any(|w| part.starts_with(w)));
    if writes && value.len() < 1024 && RUN.iter().any(|file| value.contains(file)) {
        let message = format!("{key:?} has a program write {value:?}, which runs by itself or keeps keys");
        scanner.report("repo/unsafe-path", place.clone(), message);
    }
}

/// Arguments that a llamafile is started with, one in each line.
fn arguments(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for (pair, index) in lines.windows(2).zip(0u64..) {
        let [option, value] = pair else { continue };
        let Some(key) = option.strip_prefix("--") else { continue };
        destination(scanner, &at(content, index + 1), key, value);
        if credential::is_credential(value) {
            let message = format!("the option {option} has the program read {value:?}");
            scanner.report("repo/unsafe-path", at(content, index + 1), message);
        }
    }
}
