//! Leaves the namespaces that this process was born in.

use rustix::thread::UnshareFlags;

use super::{KEEPER, next};
use crate::job::{Job, Message};
use crate::{Held, Measure, spaces};

pub fn run(mut job: Job) -> i32 {
    // An interrupt from the terminal is for whoever started this. What has to end then is ended by the keeper, and
    // what has to be removed is removed here.
    let _ = rustix::process::setsid();
    // A process with the privilege to do so needs no user namespace to leave the others; where even that is denied,
    // each of the following fails by itself and is told.
    let may = |measure: Measure| job.policy.namespaces && job.takes(measure);
    let user = if may(Measure::Privileges) { spaces::user() } else { Err(LEFT_OUT.to_owned()) };
    let because = |error: &str| match &user {
        Ok(()) => format!("this machine forbids it: {error}"),
        Err(first) => format!("this machine forbids user namespaces ({first}) and so this one ({error})"),
    };
    let leave = |measure: Measure, flags: UnshareFlags| {
        if !may(measure) {
            return Err(LEFT_OUT.to_owned());
        }
        spaces::leave(flags).map_err(|error| because(&error))
    };
    let network = leave(Measure::Network, UnshareFlags::NEWNET);
    let mounts = leave(Measure::Files, UnshareFlags::NEWNS);
    let processes = leave(Measure::End, UnshareFlags::NEWPID);
    // Of no measure by themselves: names and queues of a machine that has no other processes.
    let _ = leave(Measure::Isolation, UnshareFlags::NEWIPC | UnshareFlags::NEWUTS);
    job.own_user = user.is_ok();
    job.own_network = network.is_ok();
    job.own_processes = processes.is_ok();
    job.own_mounts = mounts.is_ok();
    if let Err(because) = network {
        job.note(Measure::Network, Held::no(because));
    }
    if let Err(because) = processes {
        job.note(Measure::End, Held::no(because));
    }
    let ended = next(KEEPER, &job).spawn().and_then(|mut keeper| keeper.wait());
    // Whoever started this removes the folder itself, unless it was killed.
    let _ = rustix::mount::unmount(&job.scratch, rustix::mount::UnmountFlags::DETACH);
    let _ = std::fs::remove_dir_all(&job.folder);
    match ended {
        Ok(status) => status.code().unwrap_or(2),
        Err(error) => {
            job.say(&Message::Failed(format!("the sandbox's first process: {error}")));
            2
        }
    }
}

const LEFT_OUT: &str = "it was left out";
