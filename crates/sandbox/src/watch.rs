//! What goes on among the processes of a sandbox, as `/proc` tells (`proc_pid_stat(5)`).

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::{Pid, Signal, kill_process};

/// Processes below one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Below {
    /// Their ids.
    pub processes: BTreeSet<i32>,
    /// Processes and threads.
    pub tasks: u64,
}

/// Looks at everything that descends from `root`, which itself is not counted.
pub fn below(root: i32) -> Below {
    let mut children: BTreeMap<i32, Vec<(i32, Stat)>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(text) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some(stat) = Stat::read(&text) {
            children.entry(stat.parent).or_default().push((pid, stat));
        }
    }
    let mut found = Below::default();
    let mut next = vec![root];
    while let Some(at) = next.pop() {
        for (pid, stat) in children.remove(&at).unwrap_or_default() {
            found.processes.insert(pid);
            found.tasks += stat.threads;
            next.push(pid);
        }
    }
    found
}

/// Ends everything that descends from `root`, again until nothing is left or as often as is sensible. Those whose
/// parent ends are handed to `root`, where it asked for that.
pub fn end_below(root: i32) {
    const ROUNDS: usize = 200;
    for _ in 0..ROUNDS {
        let found = below(root).processes;
        if found.is_empty() {
            return;
        }
        for pid in found {
            if let Some(pid) = Pid::from_raw(pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: i32,
    threads: u64,
}

impl Stat {
    /// The fields after the name, which is in brackets and may hold anything.
    fn read(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?;
        let (parent, threads) = (fields.next()?.parse().ok()?, fields.nth(15)?.parse().ok()?);
        // What is dead and not yet taken note of holds nothing.
        (!matches!(state, "Z" | "X")).then_some(Self { parent, threads })
    }
}

impl Below {
    /// Whether these processes hold more than so many bytes besides what they read from files. What several of them
    /// share is counted once where the kernel tells; that is asked last, because it takes the kernel longer.
    pub fn hold_more_than(&self, most: u64) -> bool {
        let sum = |of: fn(i32) -> u64| self.processes.iter().map(|pid| of(*pid)).fold(0, u64::saturating_add);
        sum(resident) > most && sum(|pid| proportional(pid).unwrap_or_else(|| resident(pid))) > most
    }
}

/// Bytes of a process that no file backs.
fn resident(pid: i32) -> u64 {
    lines(pid, "status", &["RssAnon:", "RssShmem:"]).unwrap_or(0)
}

/// The same, what is shared divided among those who share it.
fn proportional(pid: i32) -> Option<u64> {
    lines(pid, "smaps_rollup", &["Pss_Anon:", "Pss_Shmem:"])
}

fn lines(pid: i32, file: &str, names: &[&str]) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let sizes = text.lines().filter_map(|line| {
        let value = names.iter().find_map(|name| line.strip_prefix(name))?;
        value.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()
    });
    let sizes: Vec<u64> = sizes.collect();
    (sizes.len() == names.len()).then(|| sizes.into_iter().sum::<u64>().saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let text =
            "12 (a) b (c) S 7 12 12 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 5 0 100 1000 200 18446744073709551615";
        assert_eq!(Stat::read(text), Some(Stat { parent: 7, threads: 5 }));
        for bad in ["", ")", "1 (x) S", "1 (x) S x", "no brackets 1 2 3"] {
            assert_eq!(Stat::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn children_are_seen_and_ended() {
        let child = std::process::Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{error}"));
        let id = i32::try_from(child.id()).unwrap_or(0);
        for _ in 0..200 {
            if below(id).tasks > 0 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let found = below(id);
        assert_eq!((found.processes.len(), found.tasks), (1, 1));
        assert!(found.hold_more_than(1000) && !found.hold_more_than(1 << 30));
        end_below(id);
        assert!(child.wait().is_ok(), "it waited for its child");
        assert_eq!(below(id), Below::default());
    }
}
