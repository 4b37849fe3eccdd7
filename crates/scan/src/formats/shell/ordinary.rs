//! Programs that everybody's scripts start, in the words in which they are started for their own work.

use super::{Judged, command, judged, statements};
use crate::address;

/// Tools of models, builds and files. None of them is a way to run what its arguments say; those that have such a way
/// are looked at below.
const WORK: [&str; 67] = [
    "git",
    "sbatch",
    "srun",
    "squeue",
    "scancel",
    "sacct",
    "sinfo",
    "scontrol",
    "bsub",
    "qsub",
    "ffmpeg",
    "ffprobe",
    "sox",
    "convert",
    "magick",
    "identify",
    "python",
    "python3",
    "torchrun",
    "accelerate",
    "deepspeed",
    "mpirun",
    "horovodrun",
    "jupyter",
    "nvidia-smi",
    "rocm-smi",
    "nvcc",
    "hipcc",
    "make",
    "cmake",
    "ninja",
    "gcc",
    "g++",
    "cc",
    "clang",
    "clang++",
    "cargo",
    "rustc",
    "go",
    "tar",
    "unzip",
    "zip",
    "gzip",
    "gunzip",
    "7z",
    "ls",
    "cp",
    "mv",
    "mkdir",
    "cat",
    "head",
    "tail",
    "wc",
    "sort",
    "grep",
    "diff",
    "du",
    "df",
    "sleep",
    "pwd",
    "cd",
    "pdflatex",
    "latexmk",
    "pandoc",
    "dot",
    "tensorboard",
    "yt-dlp",
];

/// Whether a command shows something or installs packages by their names, and surely writes to no file of whoever runs
/// it.
pub(crate) fn only_looks(line: &str) -> bool {
    const SHOW: [&str; 19] = [
        "ls",
        "du",
        "df",
        "pwd",
        "head",
        "cat",
        "wc",
        "echo",
        "file",
        "stat",
        "tree",
        "which",
        "free",
        "lscpu",
        "uname",
        "date",
        "nproc",
        "whoami",
        "nvidia-smi",
    ];
    let plain = |c: char| c.is_alphanumeric() || " _-./,:=*~+[]%".contains(c);
    let words: Vec<&str> = line.split_whitespace().collect();
    if !line.chars().all(plain) {
        return false;
    }
    match &words[..] {
        ["nvidia-smi", rest @ ..] => {
            rest.iter().all(|word| !word.starts_with("-f") && !word.starts_with("--f"))
        }
        ["date" | "file" | "tree", rest @ ..] => rest.iter().all(|word| !word.starts_with('-')),
        [program, ..] if SHOW.contains(program) => true,
        ["pip" | "pip3", "list" | "show" | "freeze" | "check", ..] => true,
        ["python" | "python3" | "pip" | "pip3" | "conda" | "git", "--version" | "-V"] => true,
        ["pip" | "pip3", "install", rest @ ..] => rest.iter().all(|word| match word.strip_prefix('-') {
            Some(option) => ["q", "qq", "qqq", "U", "Uq", "-quiet", "-upgrade"].contains(&option),
            None => !word.contains(['/', ':']) && *word != ".",
        }),
        _ => false,
    }
}

/// Whether a command, or as much as is known of it, is one of a script's ordinary work.
pub(crate) fn is_ordinary(line: &str) -> bool {
    // What is put in by the shell, run from a text or told to a tool to run is not written here.
    const TOLD: [&str; 15] = [
        "credential",
        "$(",
        "`",
        " -c",
        "<(",
        "eval",
        "--upload-pack",
        "ext::",
        "-exec",
        "-delete",
        "--to-command",
        "--checkpoint-action",
        "core.sshCommand",
        "-m pip",
        "-m base64",
    ];
    if matches!(judged(line), Judged::Harms(_) | Judged::Runs | Judged::Foreign | Judged::Loads)
        || TOLD.iter().any(|told| line.contains(told))
        || address::host(line).is_some_and(|host| address::nameless(host).is_some())
    {
        return false;
    }
    // A text of its own in quotes is an argument.
    let mut any = false;
    for stage in plain(line).iter().flat_map(|text| statements(text)).flatten() {
        let Some((name, words)) = command(stage) else { continue };
        any = true;
        let whole = words
            .first()
            .is_some_and(|w| !w.starts_with("./") && !w.starts_with('/') || w.starts_with("/usr/bin/"));
        if !whole || !(WORK.contains(&name.as_str()) || runs_a_script(&name, &words)) {
            return false;
        }
    }
    any
}

/// Whether a command runs a script that is named in the folder, or a file of it.
fn runs_a_script(name: &str, words: &[&str]) -> bool {
    let first = words.get(1).copied().unwrap_or_default();
    match name {
        "npm" | "pnpm" | "yarn" => {
            matches!(first, "run" | "ci" | "test" | "build" | "pack" | "version" | "prefix" | "root")
        }
        "node" | "tsc" => words.iter().skip(1).all(|word| !word.starts_with("-e") && !word.starts_with("-p")),
        _ => false,
    }
}

/// The line without what stands in quotes.
fn plain(line: &str) -> Option<String> {
    let mut out = String::new();
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => out.push(c),
        }
    }
    (!out.trim().is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::is_ordinary;

    #[test]
    fn work_is_told_from_the_rest() {
        for line in [
            "git rev-parse HEAD",
            "ffmpeg -y -i \"",
            "sbatch jobs/a.sh",
            "python train.py --lr 0.1",
            "ffprobe -v quiet x.mp4",
            "tar xf data.tar.gz && ls data",
            "nvidia-smi --query-gpu=name",
            "npm run build",
            "node scripts/build.js",
        ] {
            assert!(is_ordinary(line), "{line}");
        }
        for line in [
            "touch /tmp/x",
            "id",
            "sh -c id",
            "python -c 'x'",
            "git -c core.sshCommand=x fetch",
            "curl https://example.org/x",
            "./x",
            "git clone http://198.51.100.7/x",
            "python x.py | sh",
            "tar xf $(id)",
            "",
            "/tmp/git status",
            "npm install x",
            "node -e 1",
            "git log; id",
        ] {
            assert!(!is_ordinary(line), "{line}");
        }
    }
}
