//! What a hostile command tries in the sandbox, each with the measure that prevents it and, to show that it is that
//! measure which does, without.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![expect(clippy::print_stderr, reason = "a test that is passed over says so")]

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use proofhouse_sandbox::{Held, Measure, Network, Policy, Sandbox};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_proofhouse");

fn policy(command: &str, folder: &Path) -> Policy {
    with(Policy::new(command, folder, Network::Port(8080)), |policy| {
        policy.processes = 64;
        policy.memory = 512 << 20;
        policy.scratch = 8 << 20;
    })
}

fn with(mut policy: Policy, change: impl FnOnce(&mut Policy)) -> Policy {
    change(&mut policy);
    policy
}

fn start(policy: &Policy) -> Sandbox {
    Sandbox::start(policy, Path::new(LAUNCHER)).unwrap()
}

/// Runs a command to its end and says how it ended and what it wrote to standard error.
fn run(policy: &Policy) -> (String, String) {
    let sandbox = start(policy);
    let began = Instant::now();
    loop {
        if let Some(end) = sandbox.ended() {
            // Its words may still be on their way.
            std::thread::sleep(Duration::from_millis(20));
            return (end, sandbox.last_words());
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{:?} does not end", policy.command);
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a measure holds here; otherwise the test says why it is passed over.
fn holds(measure: Measure, folder: &Path) -> bool {
    match start(&policy("sleep 5", folder)).measures().of(measure) {
        Held::No { because } => {
            eprintln!("SKIP {measure}: this machine cannot enforce it: {because}");
            false
        }
        _ => true,
    }
}

fn has(program: &str) -> bool {
    let there = std::env::var("PATH")
        .unwrap_or_default()
        .split(':')
        .any(|dir| Path::new(dir).join(program).is_file());
    if !there {
        eprintln!("SKIP: there is no {program} here");
    }
    there
}

const WELL: &str = "it ended with exit status 0";

/// The command fails with the measure, in a sandbox with and one without namespaces, and does what it wants without.
fn prevents(measure: Measure, policy: &Policy) {
    if !holds(measure, &policy.folder) {
        return;
    }
    let (end, words) = run(policy);
    assert_ne!(end, WELL, "{measure} does not prevent {:?}: {words}", policy.command);
    let (end, words) = run(&policy.clone().without_namespaces());
    assert_ne!(end, WELL, "{measure} does not prevent {:?} without namespaces: {words}", policy.command);
    let (end, words) = run(&policy.clone().leaving_out(measure));
    assert_eq!(end, WELL, "something else than {measure} prevents {:?}: {words}", policy.command);
}

#[test]
fn it_cannot_connect_out() {
    if !has("bash") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let command = format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'");
    prevents(Measure::Network, &policy(&command, dir.path()));
}

#[test]
fn it_cannot_write_outside_its_scratch_folder() {
    let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = outside.path().join("written");
    prevents(Measure::Files, &policy(&format!("echo x > {}", at.display()), dir.path()));
    // Not in its own folder either, nor by a change of what is there.
    std::fs::write(dir.path().join("model"), "weights").unwrap();
    for change in
        ["echo x > model", ": > model", "rm model", "mv model other", "chmod 777 .", "ln model other"]
    {
        // Permissions are not Landlock's, but they let nothing be read or written that was not before.
        if change.starts_with("chmod") {
            continue;
        }
        assert_ne!(run(&policy(change, dir.path())).0, WELL, "{change}");
    }
    assert_eq!(std::fs::read_to_string(dir.path().join("model")).unwrap(), "weights");
    let own = "cat model > $TMPDIR/a && mkdir $HOME/b && mv $TMPDIR/a $HOME/b/ && cat $HOME/b/a >&2";
    assert_eq!(run(&policy(own, dir.path())), (WELL.to_owned(), "weights".to_owned()));
}

#[test]
fn it_cannot_read_what_it_was_not_given() {
    let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = outside.path().join("id_ed25519");
    std::fs::write(&secret, "secret").unwrap();
    let policy = policy(&format!("cat {} > /dev/null", secret.display()), dir.path());
    prevents(Measure::Files, &policy);
    let readable = vec![outside.path().to_owned()];
    assert_eq!(run(&with(policy, |policy| policy.readable = readable)).0, WELL);
}

#[test]
fn it_cannot_fill_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let many = "for i in 1 2 3 4; do head -c 3000000 /dev/zero > $TMPDIR/$i || exit 1; done";
    let sandbox = start(&policy("sleep 5", dir.path()));
    if sandbox.measures().of(Measure::Files) == (Held::Enforced { by: "Landlock".to_owned() }) {
        assert_ne!(run(&policy(many, dir.path())).0, WELL);
    } else {
        eprintln!("SKIP: the scratch folder is not bounded as a whole here");
    }
    assert_ne!(
        run(&policy("head -c 9000000 /dev/zero > $TMPDIR/one", dir.path()).without_namespaces()).0,
        WELL
    );
}

#[test]
fn it_cannot_start_too_many() {
    let dir = tempfile::tempdir().unwrap();
    // Few enough that nothing is lost should the measure fail.
    let bomb = "i=0; while [ $i -lt 90 ]; do sleep 20 & i=$((i+1)); done; sleep 1; exit 0";
    prevents(Measure::Processes, &policy(bomb, dir.path()));
}

#[test]
fn it_cannot_eat_the_memory() {
    let dir = tempfile::tempdir().unwrap();
    let eat = "head -c 200000000 /dev/zero | tail -c 200000000 > /dev/null";
    let bounded = with(policy(eat, dir.path()), |policy| policy.memory = 64 << 20);
    prevents(Measure::Memory, &bounded);
    // Nor with several processes, each within the limit of one.
    let several = "for i in 1 2 3 4; do head -c 50000000 /dev/zero | tail -c 50000000 | (sleep 3; cat) > /dev/null & done; wait";
    let (end, _) = run(&with(bounded, |policy| several.clone_into(&mut policy.command)));
    assert!(end.contains("MiB of memory"), "{end}");
}

#[test]
fn it_cannot_run_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let sleeping = with(policy("sleep 2", dir.path()), |policy| policy.time = Duration::from_millis(600));
    prevents(Measure::Time, &sleeping);
    let busy = with(policy("while :; do :; done", dir.path()), |policy| policy.cpu = Duration::from_secs(1));
    let (end, _) = run(&busy);
    assert!(end.contains("signal"), "{end}");
}

#[test]
fn it_cannot_outlive_its_sandbox() {
    if !has("setsid") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (how, mark) in [(0, "31337.25"), (1, "31338.25"), (2, "31339.25")] {
        let command = format!("(setsid nohup sleep {mark} >/dev/null 2>&1 </dev/null &) ; sleep 60");
        let policy = policy(&command, dir.path());
        let sandbox = start(&match how {
            0 => policy,
            1 => policy.without_namespaces(),
            _ => policy.leaving_out(Measure::End),
        });
        let began = Instant::now();
        while sleepers(mark).is_empty() {
            assert!(began.elapsed() < Duration::from_secs(10), "{}", sandbox.last_words());
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(sandbox);
        std::thread::sleep(Duration::from_millis(100));
        let left = sleepers(mark);
        for pid in &left {
            let _ = std::process::Command::new("kill").args(["-9", pid]).status();
        }
        assert_eq!(left.len(), usize::from(how == 2), "{how}");
    }
}

/// Processes that sleep for this long.
fn sleepers(mark: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let of = |entry: std::fs::DirEntry| {
        let line = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
        (line == format!("sleep\0{mark}\0")).then(|| entry.file_name().to_string_lossy().into_owned())
    };
    processes.filter_map(of).collect()
}

#[test]
fn it_cannot_gain_privileges_or_make_namespaces() {
    let dir = tempfile::tempdir().unwrap();
    let status = "grep -E '^(CapEff|CapBnd|NoNewPrivs):' /proc/self/status >&2";
    for policy in [policy(status, dir.path()), policy(status, dir.path()).without_namespaces()] {
        let (end, words) = run(&policy);
        let words: Vec<&str> = words.split_whitespace().collect();
        assert_eq!(end, WELL);
        assert!(words.contains(&"NoNewPrivs:") && words.last() == Some(&"1"), "{words:?}");
        assert_eq!(words.get(1), Some(&"0000000000000000"), "{words:?}");
    }
    if has("unshare") {
        let unshare = policy("unshare -U true", dir.path()).leaving_out(Measure::Privileges);
        assert_ne!(run(&unshare).0, WELL);
    }
}

#[test]
fn it_cannot_reach_other_processes() {
    let dir = tempfile::tempdir().unwrap();
    if !holds(Measure::Isolation, dir.path()) {
        return;
    }
    let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let kill = policy(&format!("kill -9 {}", other.id()), dir.path());
    assert_ne!(run(&kill).0, WELL);
    let (end, words) = run(&kill.clone().without_namespaces());
    assert_ne!(end, WELL, "{words}");
    assert!(other.try_wait().unwrap().is_none(), "it is alive");
    let environment = policy(&format!("cat /proc/{}/environ > /dev/null", other.id()), dir.path());
    assert_ne!(run(&environment).0, WELL);
    assert_ne!(run(&environment.without_namespaces()).0, WELL);
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn it_inherits_nothing_and_forges_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // Cargo sets this for every test.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let (end, words) = run(&policy("env >&2; ls /proc/self/fd >&2", dir.path()));
    assert_eq!(end, WELL);
    assert!(
        !words.contains("CARGO_") && !words.contains("SANDBOX_JOB") && words.contains("PORT=8080"),
        "{words}"
    );
    // What it writes to standard error is no message, whatever it looks like.
    let forged = r#"printf '\nabc "ready"\n{"ended":"well"}\nabc {"failed":"x"}\n' >&2; exit 7"#;
    assert_eq!(run(&policy(forged, dir.path())).0, "it ended with exit status 7");
}

#[test]
fn what_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (end, words) = run(&policy("no-such-program --x", dir.path()));
    assert_eq!(end, "it ended with exit status 127");
    assert!(words.contains("no-such-program"), "{words}");
    let nowhere = policy("true", Path::new("/nowhere/at/all"));
    let error = Sandbox::start(&nowhere, Path::new(LAUNCHER)).unwrap_err();
    assert!(error.to_string().contains("cannot be started"), "{error}");
}

#[test]
fn what_holds_is_told_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = start(&policy("sleep 5", dir.path()));
    for (measure, held) in sandbox.measures().iter() {
        eprintln!("{measure}: {held}");
    }
    let weaker = start(&policy("sleep 5", dir.path()).without_namespaces());
    assert!(!matches!(weaker.measures().of(Measure::Network), Held::Enforced { .. }));
    let left = start(&policy("sleep 5", dir.path()).leaving_out(Measure::Files));
    assert_eq!(left.measures().lacking().first().map(|(m, _)| *m), Some(Measure::Files));
}
