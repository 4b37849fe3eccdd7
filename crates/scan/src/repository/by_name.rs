//! What is run, fetched or missing because of its name or its few lines, whatever the model is.

use proofhouse_artifact::Format;
use proofhouse_core::Place;

use crate::scanner::{Content, Scanner};

mod build;
mod compiled;
mod editors;
mod image;
mod project;
mod reaches;
mod served;
mod steps;
mod toml;
mod tools;
mod trusts;
mod twins;

pub(crate) use self::toml::texts as toml_texts;
pub(crate) use image::is_named as builds_image;
pub(crate) use trusts::{environment, foreign as is_elsewhere, is_index};

/// The first line of a pointer of Git's large file storage (its specification, v1).
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// Looks at a content by its name and its first bytes; its format is somebody else's matter.
pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    let full = content.place.member.as_deref().unwrap_or(&content.place.path).to_owned();
    let name = content.name().to_ascii_lowercase();
    let textual = matches!(content.format, Format::Text | Format::Json | Format::Unknown | Format::Empty);
    if content.bytes.starts_with(LFS) && content.bytes.len() < 1024 {
        let message = "a pointer to bytes that are not here: fetch them and scan again";
        scanner.report("repo/lfs-pointer", content.place.clone(), message);
    }
    if [".pyc", ".pyo"].iter().any(|ending| name.ends_with(ending)) {
        if compiled::is_of_its_source(scanner, content) {
            let message = "compiled Python, all of whose names and texts stand in the source beside it";
            scanner.report("code/not-analysed", content.place.clone(), message);
        } else {
            scanner.report("code/bytecode", content.place.clone(), "compiled Python by its name");
        }
    }
    if name.ends_with(".pth") && textual {
        start_up(scanner, content);
    }
    if matches!(name.as_str(), "sitecustomize.py" | "usercustomize.py") {
        let message = "Python imports a file of this name whenever it starts, if it lies on its path";
        scanner.report("repo/startup-file", content.place.clone(), message);
    }
    const NATIVE: [&str; 14] = [
        ".so", ".pyd", ".dll", ".dylib", ".exe", ".scr", ".msi", ".jar", ".class", ".node", ".bundle",
        ".wasm", ".sys", ".com",
    ];
    let textless = !matches!(content.format, Format::Text | Format::Json | Format::Empty);
    if textless && NATIVE.iter().any(|ending| name.ends_with(ending))
        || name.contains(".so.")
        || name.ends_with(".so")
    {
        crate::native::report(scanner, content.place.clone(), content.bytes, "a native library by its name");
    }
    let parts: Vec<&str> = full.split(['/', '!']).collect();
    if let Some(at) = parts.iter().position(|part| *part == ".git") {
        match parts.get(at + 1..) {
            Some(["hooks", hook]) if !hook.ends_with(".sample") => {
                let message = format!("git runs {hook:?} of its own accord");
                scanner.report("repo/git-hook", content.place.clone(), message);
            }
            Some(["config"]) => git_config(scanner, content),
            _ => {}
        }
    }
    if matches!(parts.as_slice(), [.., ".ipython", _, "startup", _]) && textual {
        let message = "IPython runs the files of this folder whenever it starts";
        scanner.report("repo/startup-file", content.place.clone(), message);
    }
    let environment = ["conda.yaml", "conda.yml", "environment.yaml", "environment.yml", "python_env.yaml"];
    let required = name.contains("requirements") && (name.ends_with(".txt") || name.ends_with(".in"));
    let indices = ["pip.conf", "pip.ini", "pipfile", ".condarc", "uv.toml"];
    if indices.contains(&name.as_str()) && textual {
        tools::indices(scanner, content);
    }
    let conda = [".yml", ".yaml"].iter().any(|ending| name.ends_with(ending))
        && [&b"\ndependencies:"[..], b"\nchannels:"]
            .iter()
            .all(|key| memchr::memmem::find(content.bytes, key).is_some());
    if (required || conda || environment.contains(&name.as_str())) && textual {
        requirements(scanner, content);
    }
    if textual && is_environment(&name) {
        secrets(scanner, content);
    }
    if textual || content.format == Format::Xml {
        tools::scan(scanner, content, &name, &parts);
        let text = String::from_utf8_lossy(content.bytes);
        project::scan(scanner, content, &name, &text);
        editors::scan(scanner, content, &name, &text);
        trusts::scan(scanner, content, &name, &text);
        steps::scan(scanner, content, &name, &text);
        reaches::scan(scanner, content, &name, &text);
        served::scan(scanner, content, &name, &text);
    }
}

/// Whether a file by its name holds the variables of somebody's machine; `.env.example` shows how to write one.
fn is_environment(name: &str) -> bool {
    let shows = ["example", "sample", "template", "dist", "default"].iter().any(|word| name.contains(word));
    (name == ".env" || name.starts_with(".env.") || name.ends_with(".env")) && !shows
}

/// Variables that are named like secrets and have a value.
fn secrets(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    const NAMED: [&str; 7] =
        ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY"];
    for (index, line) in String::from_utf8_lossy(content.bytes).lines().enumerate().take(10_000) {
        let line = line.trim().trim_start_matches("export ");
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let value = value.trim().trim_matches(['"', '\'']);
        let named = NAMED.iter().any(|part| name.to_ascii_uppercase().contains(part));
        let lower = value.to_ascii_lowercase();
        let shown = value.starts_with(['$', '<', '{', '/', '~'])
            || [
                "your",
                "xxx",
                "changeme",
                "change_me",
                "replace",
                "example",
                "placeholder",
                "todo",
                "dummy",
                "...",
            ]
            .iter()
            .any(|word| lower.contains(word));
        let kinds = value.bytes().collect::<std::collections::BTreeSet<_>>().len();
        if named && !shown && value.len() >= 12 && kinds >= 8 && !value.contains(' ') {
            let message = format!("{} has a value, in a file of secrets", name.trim());
            scanner.report("secret/token", at_line(content, index), message);
        }
    }
}

fn at_line(content: &Content<'_>, line: usize) -> Place {
    let mut place = content.place.clone();
    place.line = Some(line as u64 + 1);
    place
}

/// Path files of `site-packages`: a line that begins with `import` is run whenever Python starts (`site.py`).
fn start_up(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    let text = String::from_utf8_lossy(content.bytes);
    // Newer releases drop a mark in front (`utf-8-sig`).
    let text = crate::lines::of_python(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let runs = |line: &str| line.starts_with("import ") || line.starts_with("import\t");
    for (index, line) in text.lines().enumerate().filter(|(_, line)| runs(line)) {
        // Nothing of it is here to be told of; that it is not proven is said of the module.
        if !is_of_installers(scanner, &content.place, line) {
            let message = "Python runs this line whenever it starts, if the file lies in its packages";
            scanner.report("repo/startup-file", at_line(content, index), message);
        }
        crate::python::scan_text(scanner, &content.place, line, u32::try_from(index + 1).unwrap_or(1));
    }
}

/// Whether this is a line that installers write for what they keep beside it, and the module that it names is not here:
/// setuptools for a package that is installed where its sources lie (`setuptools/command/editable_wheel.py`) and for its
/// own distutils, virtualenv for its patches.
fn is_of_installers(scanner: &Scanner<'_>, place: &Place, line: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let line = line.trim_end();
    let module = match line.strip_prefix("import ").map(|rest| rest.split_once("; ").unwrap_or((rest, ""))) {
        Some(("_virtualenv", "")) => "_virtualenv",
        // What follows the name of a variable decides whether setuptools' own module is asked.
        Some(("os", rest)) if shims_distutils(rest) => "_distutils_hack",
        Some((module, call)) => {
            let ours = module.starts_with("__editable__")
                && module.ends_with("_finder")
                && module.chars().all(plain);
            if !ours || call != format!("{module}.install()") {
                return false;
            }
            module
        }
        None => return false,
    };
    let here = |ending: &str| {
        let (project, path, _) = scanner.near(place)?;
        let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        Some(project.has_file(&format!("{folder}{module}{ending}")))
    };
    here(".py") != Some(true) && here("/__init__.py") != Some(true)
}

/// Whether the rest of a line looks a variable of setuptools up and then at most adds setuptools' distutils.
fn shims_distutils(rest: &str) -> bool {
    let rest = rest.trim_end_matches([' ', ';']);
    let Some(rest) = rest.strip_prefix("var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, '")
    else {
        return false;
    };
    ["local", "stdlib"].iter().any(|default| {
        rest.strip_prefix(default)
            == Some("') == 'local'; enabled and __import__('_distutils_hack').add_shim()")
    })
}

/// Settings of a repository by which git starts programs (CVE-2022-24765 and others).
fn git_config(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    const KEYS: [&str; 18] = [
        "fsmonitor",
        "hookspath",
        "sshcommand",
        "editor",
        "pager",
        "askpass",
        "gitproxy",
        "uploadpack",
        "receivepack",
        "textconv",
        "external",
        "helper",
        "program",
        "cmd",
        "difffilter",
        "alternaterefscommand",
        "packobjectshook",
        "insteadof",
    ];
    // Helpers for passwords that come with git and with systems.
    const HELPERS: [&str; 8] =
        ["store", "cache", "osxkeychain", "manager", "manager-core", "wincred", "libsecret", "gnome-keyring"];
    let mut section = String::new();
    for (index, line) in String::from_utf8_lossy(content.bytes).lines().enumerate() {
        // A setting may stand in the line of its section.
        let line = match line.trim().strip_prefix('[').and_then(|line| line.split_once(']')) {
            Some((name, behind)) => {
                name.trim().clone_into(&mut section);
                behind
            }
            None => line,
        };
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim().to_ascii_lowercase();
        if key == "insteadof" && !section.contains("ext::") {
            continue;
        }
        // Another file of settings, which may lie in the model: what that starts is not looked for there.
        let includes = key == "path" && section.to_ascii_lowercase().starts_with("include");
        let starts = includes
            || KEYS.contains(&key.as_str())
            || matches!(key.as_str(), "clean" | "smudge" | "process" | "command" | "driver");
        let value = value.trim();
        let harmless = matches!(value, "true" | "false" | "")
            || value.starts_with("git-lfs ")
            || key == "helper" && HELPERS.contains(&value.split(' ').next().unwrap_or_default())
            || value.starts_with("!gh auth ")
            || value.ends_with("gh auth git-credential");
        if starts && !harmless {
            let message = format!("git starts what its setting {key:?} names");
            scanner.report("repo/git-hook", at_line(content, index), message);
        }
    }
}

/// Organisations on GitHub whose packages models are made with.
const ORGANISATIONS: [&str; 22] = [
    "dao-ailab",
    "eleutherai",
    "facebookresearch",
    "google",
    "google-deepmind",
    "google-research",
    "huggingface",
    "jax-ml",
    "keras-team",
    "lightning-ai",
    "microsoft",
    "mlflow",
    "nvidia",
    "nvidia-nemo",
    "openai",
    "pytorch",
    "ray-project",
    "scikit-learn",
    "tensorflow",
    "ultralytics",
    "unslothai",
    "vllm-project",
];

/// Requirements that do not come from the index: installing the model's needs installs them (pip, "Requirements
/// File Format").
fn requirements(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    // pip decodes the file as its first lines say, and splits it where Python ends lines (`pip/_internal/req/req_file.py`).
    if let Some(encoding) = crate::python::declared_encoding(content.bytes)
        && !["utf-8", "utf8", "ascii", "latin-1", "latin1"].contains(&encoding.to_ascii_lowercase().as_str())
    {
        let message = format!("declares the encoding {encoding:?}: pip reads another text than it shows");
        scanner.report("repo/requirement", at_line(content, 0), message);
    }
    let text = String::from_utf8_lossy(content.bytes);
    let text = crate::lines::of_python(&text);
    // Environments are YAML, whose texts may have escapes.
    let name = content.name().to_ascii_lowercase();
    let environment = name.ends_with(".yaml") || name.ends_with(".yml");
    let text = if environment { crate::lines::unescaped(&text) } else { text.as_ref().into() };
    for (index, line) in text.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or(line).trim();
        // In the environments of conda and MLflow, requirements are items of a list.
        let line = line.strip_prefix("- ").unwrap_or(line).trim_matches(['"', '\'']);
        if line.starts_with('#') {
            continue;
        }
        if let Some(known) = twins::nearly(line) {
            let message = format!("{line:?} is spelt nearly as the package {known} is");
            scanner.report("repo/requirement", at_line(content, index), message);
        }
        let option = ["--index-url", "--extra-index-url", "-i ", "--find-links", "-f ", "--trusted-host"];
        // A package of an organisation whose packages models are made with, from its own repository.
        let organisation =
            line.split_once("git+https://github.com/").and_then(|(_, rest)| rest.split('/').next());
        if organisation.is_some_and(|name| ORGANISATIONS.contains(&name.to_ascii_lowercase().as_str())) {
            continue;
        }
        let foreign = line.contains("://") || option.iter().any(|o| line.starts_with(o));
        // The index of PyTorch's own builds, conda's channels, and the public one by its name.
        let known = [
            "https://download.pytorch.org/whl/",
            "https://pypi.org/simple",
            "https://conda.anaconda.org/",
            "https://repo.anaconda.com/",
        ];
        let urls: Vec<&str> = line.split_whitespace().filter(|word| word.contains("://")).collect();
        let all_known = !urls.is_empty()
            && urls
                .iter()
                .all(|u| known.iter().any(|k| u.trim_start_matches("--extra-index-url=").starts_with(k)));
        if foreign && !all_known {
            let shown: String = line.chars().take(100).collect();
            scanner.report(
                "repo/requirement",
                at_line(content, index),
                format!("is fetched from elsewhere: {shown:?}"),
            );
        }
    }
}
