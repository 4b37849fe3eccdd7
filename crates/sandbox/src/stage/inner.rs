//! Bounds itself, and becomes the command.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;

use rustix::process::{Resource, Signal};

use crate::files::{Use, no_connections, no_signals, only};
use crate::job::{Job, Message};
use crate::limits::bound;
use crate::{Held, Measure, Network, calls, needs};

/// Files and sockets open at one time.
const OPEN: u64 = 1024;

pub fn run(job: &Job) -> i32 {
    let policy = &job.policy;
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    // No terminal to write to, and a group of its own.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", &policy.command]);
    if let Err(error) = std::env::set_current_dir(&policy.folder) {
        job.say(&Message::Failed(format!("its folder {}: {error}", policy.folder.display())));
        return 2;
    }
    if job.takes(Measure::Environment) {
        command.env_clear();
        job.note(Measure::Environment, Held::by("a list of what is passed on"));
    }
    command.env_remove(crate::job::VARIABLE).envs(&policy.environment);
    command.env("HOME", &job.scratch).env("TMPDIR", &job.scratch);
    if let Network::Port(port) = policy.network {
        command.env("PORT", port.to_string());
    }
    limits(job);
    files(job);
    isolation(job);
    network(job);
    if job.takes(Measure::Calls) {
        match calls::serving(policy.network, job.own_network) {
            Ok(()) => job.note(Measure::Calls, Held::by("seccomp")),
            Err(error) => {
                let network = if job.own_network {
                    let gap = "sockets of other programs that lie in the file system can be reached";
                    Held::partly("a network namespace", format!("{gap}: {error}"))
                } else {
                    Held::no(error.clone())
                };
                job.note(Measure::Network, network);
                job.note(Measure::Calls, Held::no(error));
            }
        }
    }
    job.say(&Message::Ready);
    let error = command.exec();
    job.say(&Message::Failed(error.to_string()));
    2
}

fn limits(job: &Job) {
    let policy = &job.policy;
    let tell = |measure: Measure, result: Result<(), String>, by: &str, watched: Option<&str>| match result {
        _ if !job.takes(measure) => {}
        Ok(()) => job.note(measure, Held::by(by)),
        Err(error) => job.note(measure, watched.map_or_else(|| Held::no(error.clone()), Held::by)),
    };
    // A dump of memory would be a file outside.
    let _ = bound(Resource::Core, 0);
    let _ = bound(Resource::Nofile, OPEN);
    let _ = bound(Resource::Fsize, policy.scratch);
    let _ = bound(Resource::Msgqueue, 0);
    let _ = bound(Resource::Memlock, 64 << 20);
    if job.takes(Measure::Memory) {
        let memory = bound(Resource::Data, policy.memory);
        tell(Measure::Memory, memory, "a limit of each process, and watching", Some("watching"));
    }
    if job.takes(Measure::Cpu) {
        let cpu = bound(Resource::Cpu, policy.cpu.as_secs().max(1));
        tell(Measure::Cpu, cpu, "a limit of each process", None);
    }
    // Counted in its user namespace only; outside, whatever else this user runs would count. Root has no such limit.
    if job.takes(Measure::Processes) && job.own_user {
        let _ = bound(Resource::Nproc, policy.processes);
    }
    // Whoever watches comes first.
    let _ = rustix::process::setpriority_process(None, 5);
}

fn files(job: &Job) {
    if !job.takes(Measure::Files) {
        return;
    }
    let policy = &job.policy;
    let path = policy.environment.get("PATH").map_or("", String::as_str);
    let home = policy.home.as_deref();
    let mut paths = needs::of(&policy.command, &policy.folder, path, home, &policy.readable);
    paths.push((job.scratch.clone(), Use::Write));
    if job.own_shared_memory {
        paths.push((PathBuf::from("/dev/shm"), Use::Write));
    }
    let held = match only(&paths) {
        Held::Enforced { by } if !job.scratch_bounded => {
            Held::partly(by, "what it writes to its scratch folder is bounded for each file, not as a whole")
        }
        held => held,
    };
    job.note(Measure::Files, held);
}

fn isolation(job: &Job) {
    if !job.takes(Measure::Isolation) {
        return;
    }
    let signals = no_signals();
    if !job.own_processes {
        job.note(
            Measure::Isolation,
            match signals {
                Ok(()) => Held::partly("Landlock", "the names of other processes can be read"),
                Err(error) => Held::no(error),
            },
        );
    }
}

/// Where it has no network namespace, Landlock and seccomp together keep it from reaching anything.
fn network(job: &Job) {
    if job.own_network || !job.takes(Measure::Network) {
        return;
    }
    let held = match job.policy.network {
        Network::None => Held::by("seccomp, which refuses every socket"),
        Network::Port(port) => match no_connections(Some(port)) {
            Ok(()) => Held::partly(
                "Landlock and seccomp, which refuse every connection to others",
                "whoever reaches this machine can reach the port it listens on",
            ),
            Err(error) => Held::no(error),
        },
    };
    job.note(Measure::Network, held);
}
