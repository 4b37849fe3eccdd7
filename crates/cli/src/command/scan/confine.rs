//! Confining the process that parses: nothing to open but what is scanned, nothing to start, no network, bounded memory.
//!
//! Landlock keeps it to the files it scans, seccomp to the calls that reading, computing and threads need, a limit to
//! its memory. Each is tried by itself, and what a system cannot do is told: the parse happens in a process of its own
//! in any case.

use std::path::Path;

use super::message::Confinement;

/// Confines this process. Before the first thread is started, because Landlock holds for threads that come after.
pub fn files(root: &Path) -> bool {
    imp::files(root)
}

/// Bounds the memory of this process.
pub fn memory(bytes: u64) -> bool {
    imp::memory(bytes)
}

/// Closes every door but those of reading and computing, for all threads.
pub fn calls() -> bool {
    imp::calls()
}

impl Confinement {
    /// What is missing, in words.
    pub fn missing(self) -> Option<String> {
        let parts = [
            (self.process, "a process of its own"),
            (self.files, "a bound on the files it opens (Landlock)"),
            (self.calls, "a bound on the system calls it makes (seccomp)"),
            (self.memory, "a bound on its memory"),
        ];
        let missing: Vec<&str> = parts.iter().filter(|(there, _)| !there).map(|(_, what)| *what).collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::collections::BTreeMap;
    use std::path::Path;

    use landlock::{
        ABI, Access as _, AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
        RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus,
    };
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, apply_filter_all_threads,
    };

    pub fn files(root: &Path) -> bool {
        let read = AccessFs::from_read(ABI::V3) & !AccessFs::Execute;
        let restrict = || -> Result<bool, Box<dyn std::error::Error>> {
            let mut ruleset = Ruleset::default()
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(AccessFs::from_all(ABI::V3))?
                .create()?;
            for path in readable(root) {
                let access = if path.is_dir() { read } else { AccessFs::ReadFile.into() };
                ruleset = ruleset.add_rule(PathBeneath::new(PathFd::new(&path)?, access))?;
            }
            Ok(ruleset.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
        };
        restrict().unwrap_or(false)
    }

    /// What is scanned, and the repository of a cache whose snapshot it is: its links lead to the blobs there.
    fn readable(root: &Path) -> Vec<std::path::PathBuf> {
        let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let cache = absolute.ancestors().find(|folder| {
            let name = folder.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            ["models--", "datasets--", "spaces--"].iter().any(|kind| name.starts_with(kind))
        });
        let mut all = vec![root.canonicalize().unwrap_or_else(|_| absolute.clone())];
        all.extend(cache.and_then(|folder| folder.canonicalize().ok()));
        all
    }

    pub fn memory(bytes: u64) -> bool {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let limit = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
        let core = setrlimit(Resource::Core, limit(0));
        setrlimit(Resource::Data, limit(bytes)).is_ok() && core.is_ok()
    }

    pub fn calls() -> bool {
        let Ok(arch) = std::env::consts::ARCH.try_into() else { return false };
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
        let only = |index: u8, mask: u64, value: u64| {
            let condition =
                SeccompCondition::new(index, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(mask), value);
            condition.and_then(|condition| SeccompRule::new(vec![condition])).map(|rule| vec![rule])
        };
        let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
        let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
        let bounded = [
            // Memory that is never executable, threads but no processes, names of threads.
            (libc::SYS_mmap, only(2, executable, 0)),
            (libc::SYS_mprotect, only(2, executable, 0)),
            (libc::SYS_clone, only(0, thread, thread)),
            (libc::SYS_prctl, only(0, u64::MAX, u64::from(libc::PR_SET_NAME.unsigned_abs()))),
        ];
        for (call, rule) in bounded {
            let Ok(rule) = rule else { return false };
            rules.insert(call, rule);
        }
        // An unknown call, not a forbidden one: libraries then fall back to older calls, such as clone for clone3.
        let refuse = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch);
        let program: Result<BpfProgram, _> = filter.and_then(TryInto::try_into);
        program.is_ok_and(|program| apply_filter_all_threads(&program).is_ok())
    }

    /// Reading, memory, threads, time, random numbers, the end.
    const ALLOWED: &[i64] = &[
        libc::SYS_read,
        libc::SYS_pread64,
        libc::SYS_readv,
        libc::SYS_preadv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_lseek,
        libc::SYS_openat,
        libc::SYS_faccessat,
        libc::SYS_readlinkat,
        libc::SYS_getdents64,
        libc::SYS_getcwd,
        libc::SYS_fcntl,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_nanosleep,
        libc::SYS_clock_nanosleep,
        libc::SYS_clock_gettime,
        libc::SYS_gettimeofday,
        libc::SYS_getrandom,
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_tgkill,
        libc::SYS_restart_syscall,
        libc::SYS_ppoll,
        libc::SYS_membarrier,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_stat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lstat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_access,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_readlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll,
    ];
}

#[cfg(all(unix, not(target_os = "linux")))]
mod imp {
    use std::path::Path;

    pub fn files(_: &Path) -> bool {
        false
    }

    pub fn memory(bytes: u64) -> bool {
        use rustix::process::{Resource, Rlimit, setrlimit};
        setrlimit(Resource::Data, Rlimit { current: Some(bytes), maximum: Some(bytes) }).is_ok()
    }

    pub fn calls() -> bool {
        false
    }
}

#[cfg(not(unix))]
mod imp {
    use std::path::Path;

    pub fn files(_: &Path) -> bool {
        false
    }

    pub fn memory(_: u64) -> bool {
        false
    }

    pub fn calls() -> bool {
        false
    }
}
