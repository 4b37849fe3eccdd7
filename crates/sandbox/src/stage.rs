//! The processes that stand between whoever starts a command and the command.
//!
//! 1. *outer* leaves the namespaces it was born in and starts the next, which is thereby the first process of a new
//!    process namespace: when that one ends, the kernel ends all others in there.
//! 2. *keeper* mounts, starts the loopback, gives up every privilege, starts the next, passes connections on to the
//!    command's port and watches memory, processes and time.
//! 3. *inner* bounds itself and becomes the command.
//!
//! Each is this program again, because between `fork` and `exec` nothing of this could be done without unsafe code.

mod inner;
mod keeper;
mod outer;
mod relay;

use crate::job::Job;

/// The hidden command of a program that serves as a launcher: `PROGRAM sandbox-stage NAME` calls [`stage`].
pub const STAGE: &str = "sandbox-stage";

/// Plays a stage and returns its exit code. Called before this process has a second thread.
#[must_use]
pub fn stage(name: &str) -> i32 {
    let Ok(job) = Job::read() else { return 2 };
    match name {
        OUTER => outer::run(job),
        KEEPER => keeper::run(job),
        INNER => inner::run(&job),
        _ => 2,
    }
}

pub const OUTER: &str = "outer";
const KEEPER: &str = "keeper";
const INNER: &str = "inner";

/// This program as the next stage.
fn next(name: &str, job: &Job) -> std::process::Command {
    let mut command = std::process::Command::new("/proc/self/exe");
    command.args([STAGE, name]).env_clear().env(crate::job::VARIABLE, job.text());
    command
}
