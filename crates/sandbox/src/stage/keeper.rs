//! The first process of the sandbox: sets it up, starts the command, watches over it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use super::{INNER, next, relay};
use crate::job::{Job, Message};
use crate::{Held, Measure, Network, spaces, watch};

/// How often memory, processes and time are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Process ids that a process namespace keeps back, so that a smaller bound is none (`pid_namespaces(7)`).
const LEAST_IDS: u64 = 301;

pub fn run(mut job: Job) -> i32 {
    // With its process namespace everything ends when this process does. Without, it has to end the others first, and
    // must not be ended before it has.
    let parent = rustix::process::getppid();
    if job.own_processes {
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    }
    let socket = job.socket.as_deref().map(std::os::unix::net::UnixListener::bind).transpose();
    let socket = match socket {
        Ok(socket) => socket,
        Err(error) => {
            job.say(&Message::Failed(format!("its socket: {error}")));
            return 2;
        }
    };
    set_up(&mut job);
    if let (Some(listener), Network::Port(port)) = (socket, job.policy.network) {
        relay::start(listener, port);
    }
    let mut command = next(INNER, &job);
    if job.policy.network != Network::None {
        command.stdin(Stdio::null()).stdout(Stdio::null());
    }
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            job.say(&Message::Failed(error.to_string()));
            return 2;
        }
    };
    let ended = watch_over(&job, i32::try_from(child.id()).unwrap_or(i32::MAX), parent);
    if !job.own_processes {
        watch::end_below(own_id());
    }
    job.say(&Message::Ended(ended));
    0
}

fn set_up(job: &mut Job) {
    if job.own_network {
        match spaces::loopback() {
            Ok(()) => job.note(Measure::Network, Held::by("a network namespace")),
            Err(error) => job.note(
                Measure::Network,
                Held::partly("a network namespace", format!("its loopback cannot be started: {error}")),
            ),
        }
    }
    let mut own_list = Err("there is no mount namespace".to_owned());
    if job.own_mounts && spaces::private_mounts().is_ok() {
        let folder = |at: &Path| spaces::memory_folder(at, job.policy.scratch).is_ok();
        (job.scratch_bounded, job.own_shared_memory) = (folder(&job.scratch), folder(Path::new("/dev/shm")));
        if job.own_processes {
            own_list = spaces::processes();
        }
    }
    if job.own_processes {
        job.note(Measure::End, Held::by("a process namespace"));
        match own_list {
            Ok(()) => job.note(Measure::Isolation, Held::by("a process namespace")),
            Err(error) => job.note(
                Measure::Isolation,
                Held::partly(
                    "a process namespace",
                    format!("the names of other processes can be read: {error}"),
                ),
            ),
        }
    } else if job.takes(Measure::End) {
        // Those whose parent ends come to this process instead of the machine's first.
        match rustix::process::set_child_subreaper(Some(Pid::INIT)) {
            Ok(()) => job.note(
                Measure::End,
                Held::partly(
                    "a sweep of all that descends from it",
                    "something that starts anew faster may escape",
                ),
            ),
            Err(error) => job.note(Measure::End, Held::no(error.to_string())),
        }
    }
    if job.takes(Measure::Processes) {
        let bounded = job.own_processes && bound_ids(job.policy.processes);
        let by = if bounded { "the size of its process namespace, and watching" } else { "watching" };
        job.note(Measure::Processes, Held::by(by));
    }
    if job.takes(Measure::Time) {
        job.note(Measure::Time, Held::by("watching"));
    }
    if job.takes(Measure::Privileges) {
        match spaces::no_privileges() {
            Ok(()) => job.note(Measure::Privileges, Held::by("dropping every capability, for good")),
            Err(error) => job.note(Measure::Privileges, Held::no(error)),
        }
    }
}

/// Bounds the ids of this process namespace, each of which is a process or thread. Before Linux 6.14 the bound is one of
/// the whole machine, and not to be touched.
fn bound_ids(processes: u64) -> bool {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (6, 14) {
        return false;
    }
    let most = processes.saturating_add(64).max(LEAST_IDS);
    std::fs::write("/proc/sys/kernel/pid_max", most.to_string()).is_ok()
}

/// The id of this process as `/proc` has it, which may be that of another process namespace than its own.
fn own_id() -> i32 {
    let linked = std::fs::read_link("/proc/self").ok();
    // Of an id that nobody has, nothing descends.
    linked.and_then(|id| id.to_str()?.parse().ok()).unwrap_or(i32::MAX)
}

/// Waits until the command ends, or has to.
fn watch_over(job: &Job, command: i32, parent: Option<Pid>) -> String {
    let began = Instant::now();
    loop {
        // Whatever ends here has to be taken note of, whoever started it.
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if pid.as_raw_nonzero().get() == command {
                return in_words(status);
            }
        }
        if abandoned() || rustix::process::getppid() != parent {
            return "whoever started it is gone".to_owned();
        }
        if job.takes(Measure::Time) && began.elapsed() > job.policy.time {
            return format!("its time of {} s was over", job.policy.time.as_secs());
        }
        let found = watch::below(own_id());
        if job.takes(Measure::Processes) && found.tasks > job.policy.processes {
            return format!(
                "it had {} processes and threads, {} are allowed",
                found.tasks, job.policy.processes
            );
        }
        if job.takes(Measure::Memory) && found.hold_more_than(job.policy.memory) {
            return format!(
                "it held more than the {} MiB of memory that are allowed",
                job.policy.memory >> 20
            );
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether nobody reads what is told here any more.
fn abandoned() -> bool {
    let stderr = rustix::stdio::stderr();
    let mut descriptors = [PollFd::new(&stderr, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut descriptors, Some(&now)) {
        Ok(_) => descriptors.iter().any(|d| d.revents().intersects(PollFlags::ERR | PollFlags::HUP)),
        Err(_) => false,
    }
}

fn in_words(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("it ended with exit status {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}
