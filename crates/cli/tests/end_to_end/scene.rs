//! A scene: a copy of the example with a home of its own, and the binary in front of it.
//!
//! Tests run at the same time on one machine, and a recall sweeps that machine: it kills every process whose
//! arguments say that it serves the recalled digest, whoever started it. Two tests with the same model would
//! kill each other's instances. **Every scene therefore has a model digest of its own**: the file
//! `model/VERSION.json` names the test. A test that makes two scenes gives them two names.
//!
//! The checks of a scene are made quick (fewer rows attacked, fewer years simulated) unless the test asks
//! for the example as it is shipped.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than any command of a test takes on a busy machine; one that hangs fails here.
const PATIENCE: Duration = Duration::from_secs(300);

/// Fewer queries, rows and years than the example asks for; the bounds follow from the fewer rows.
const QUICK: &[(&str, &str)] = &[
    ("queries: 1000", "queries: 50"),
    ("samples: 200", "samples: 40"),
    ("max_success_rate: 0.30", "max_success_rate: 0.9"),
    ("years: 200000", "years: 20000"),
];

/// A copy of the example in a folder that goes away with it.
pub struct Scene {
    dir: TempDir,
    example: &'static str,
}

impl Scene {
    /// The example with quick checks. The name is the model's, so it must be used once.
    pub fn quick(name: &str) -> Self {
        let scene = Self::as_shipped(name);
        for (from, to) in QUICK {
            scene.edit(from, to);
        }
        scene
    }

    /// The example as it is shipped, but for the file that makes its model digest unique.
    pub fn as_shipped(name: &str) -> Self {
        Self::of("cheque-reader", name)
    }

    /// Another example, the same way.
    pub fn of(example: &'static str, name: &str) -> Self {
        let scene = Self { dir: tempfile::tempdir().unwrap(), example };
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
        copy(&from, &scene.project());
        let version = format!("{{\"build\": \"{name}\"}}\n");
        fs::write(scene.project().join("model/VERSION.json"), version).unwrap();
        scene
    }

    /// The folder of the system file.
    pub fn project(&self) -> PathBuf {
        self.dir.path().join(self.example)
    }

    /// A file of the project.
    pub fn file(&self, name: &str) -> PathBuf {
        self.project().join(name)
    }

    /// The home that commands use unless told otherwise.
    pub fn home(&self) -> PathBuf {
        self.project().join(".proofhouse")
    }

    /// A path outside of the project.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Replaces text in the system file, which must have it.
    #[track_caller]
    pub fn edit(&self, from: &str, to: &str) {
        let file = self.file("proofhouse.yaml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "the example no longer says {from:?}");
        fs::write(file, text.replacen(from, to, 1)).unwrap();
    }

    /// Runs a command of the binary in the project folder to its end.
    #[track_caller]
    pub fn proofhouse(&self, arguments: &[&str]) -> Said {
        self.proofhouse_with(arguments, &[])
    }

    /// The same with additions to the environment.
    #[track_caller]
    pub fn proofhouse_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
        self.start_with(arguments, environment).ends()
    }

    /// Starts a command of the binary in the project folder.
    pub fn start(&self, arguments: &[&str]) -> Started {
        self.start_with(arguments, &[])
    }

    fn start_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Started {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
        command
            .args(arguments)
            .current_dir(self.project())
            // Nothing of whoever runs the tests: neither their home nor their policies.
            .env_clear()
            .env("USER", "tester")
            .env("RUST_BACKTRACE", "1")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Started::new(arguments.join(" "), command.spawn().unwrap())
    }

    /// Entries of a kind in the ledger, oldest first.
    pub fn entries(&self, kind: &str) -> Vec<Value> {
        let arguments = ["ledger", "show", "--home", ".proofhouse", "--format", "json"];
        let said = self.proofhouse(&[&arguments[..], &["--limit", "10000", "--kind", kind]].concat());
        let mut entries = said.exits(0).json().as_array().unwrap().clone();
        entries.reverse();
        entries
    }

    /// The verdict of `ledger verify`.
    #[track_caller]
    pub fn verify_ledger(&self) -> Said {
        self.proofhouse(&["ledger", "verify", "--home", ".proofhouse"])
    }

    /// The digest of the model as it lies on the disk: signing prints it.
    pub fn digest(&self) -> String {
        let output = self.beside("digest.sig");
        let key = self.home().join("keys/signer.key");
        let said = self.proofhouse(&["sign", "model", "--key", text(&key), "--output", text(&output)]);
        let digest = said.exits(0).out.split_whitespace().next().unwrap().to_owned();
        assert!(digest.starts_with("sha256:"), "{digest}");
        digest
    }

    /// Asserts that nothing half-written lies in the home, and no release without its statement.
    #[track_caller]
    pub fn assert_nothing_half_written(&self) {
        for path in files_below(&self.home()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(!name.ends_with(".tmp"), "{} was left behind", path.display());
        }
        for release in fs::read_dir(self.home().join("releases")).into_iter().flatten().flatten() {
            assert!(release.path().join("release.dsse.json").is_file(), "{:?} is partial", release.path());
        }
    }
}

/// A command that has ended.
#[derive(Debug)]
pub struct Said {
    /// Its arguments.
    pub command: String,
    /// Its exit status; absent when it was killed.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

impl Said {
    /// Whatever a command was given, it neither panics nor steers a terminal that is not there.
    #[track_caller]
    fn check(self) -> Self {
        for text in [&self.out, &self.err] {
            assert!(!text.contains("panicked at"), "{self}");
            assert!(!text.contains("stack backtrace"), "{self}");
            assert!(!text.contains('\u{1b}'), "{self}");
        }
        self
    }

    /// Asserts the exit status.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Asserts that standard output has each of these.
    #[track_caller]
    pub fn prints(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.out.contains(part), "standard output lacks {part:?} of {self}");
        }
        self
    }

    /// Asserts that the command could not do its work, told nothing else, and said why: one error that has
    /// each of these parts.
    #[track_caller]
    pub fn refuses(self, parts: &[&str]) -> Self {
        self.exits(2).complains(parts)
    }

    /// Asserts one error on standard error that has each of these parts.
    #[track_caller]
    pub fn complains(self, parts: &[&str]) -> Self {
        let errors = self.err.lines().filter(|line| line.starts_with("error:")).count();
        assert_eq!(errors, 1, "one error, please: {self}");
        for part in parts {
            assert!(self.err.contains(part), "the error lacks {part:?} of {self}");
        }
        self
    }

    /// Standard output as the one JSON document it must be, to the last byte.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("not one JSON document ({e}): {self}"))
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, code, out, err } = self;
        write!(f, "`proofhouse {command}` ended with {code:?}\n--- stdout\n{out}\n--- stderr\n{err}")
    }
}

/// A command that runs. It is killed when dropped; its instances then stop by themselves.
pub struct Started {
    command: String,
    child: Child,
    out: Stream,
    err: Stream,
}

impl Started {
    fn new(command: String, mut child: Child) -> Self {
        let out = Stream::read(child.stdout.take().unwrap());
        let err = Stream::read(child.stderr.take().unwrap());
        Self { command, child, out, err }
    }

    /// Waits until standard output is such that `look` finds something in it.
    #[track_caller]
    pub fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut(&str) -> Option<T>) -> T {
        until(what, || {
            let found = look(&self.out.text());
            let over = found.is_none() && self.child.try_wait().unwrap().is_some();
            assert!(!over, "it ended before: {what}\n{}\n{}", self.out.text(), self.err.text());
            found
        })
    }

    /// Waits for the end.
    #[track_caller]
    pub fn ends(mut self) -> Said {
        let status =
            until(&format!("the end of `proofhouse {}`", self.command), || self.child.try_wait().unwrap());
        self.said(status.code())
    }

    /// Keeps it where it is, so that what is done meanwhile takes as long as it likes.
    pub fn hold(&self) {
        let held = Command::new("kill").args(["-STOP", &self.child.id().to_string()]).status().unwrap();
        assert!(held.success(), "it had ended before it was held: {}", self.err.text());
    }

    /// Kills it as `kill -9` does.
    pub fn kill(mut self) -> Said {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), None, "it had ended before it was killed: {}", self.err.text());
        self.said(None)
    }

    #[track_caller]
    fn said(&mut self, code: Option<i32>) -> Said {
        // Instances hold neither stream, so both end with the command.
        let (out, err) = (self.out.end(), self.err.end());
        Said { command: self.command.clone(), code, out, err }.check()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command has written so far.
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Stream {
    fn read(mut from: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut part) {
                into.lock().unwrap().extend_from_slice(&part[..n]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn end(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text()
    }
}

/// Looks again and again until something is found.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Processes of this machine that serve a digest, read without the product's help.
pub fn serving(digest: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let arguments = fs::read(entry.path().join("cmdline")).ok()?;
            let words: Vec<&[u8]> = arguments.split(|b| *b == 0).collect();
            (words.contains(&b"serve".as_slice()) && words.contains(&digest.as_bytes())).then_some(pid)
        })
        .collect()
}

/// Every file below a folder; none where the folder is not there.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    files
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Copies a folder without the state that earlier runs left in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_name() == ".proofhouse" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
