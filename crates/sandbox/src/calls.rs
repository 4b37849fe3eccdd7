//! Which system calls a process may make (seccomp).
//!
//! Lists of what is allowed, not of what is forbidden: a kernel gains calls every year. What is on no list is unknown
//! (`ENOSYS`), so that libraries fall back to older calls, such as from `clone3`, whose flags a filter cannot see, to
//! `clone`.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

use crate::Network;

/// Reading, computing, threads; no file is written, nothing started, no network.
pub fn computing() -> Result<(), String> {
    let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let mut rules = Rules::allowing(&[COMPUTING]);
    // Memory that is never executable, threads but no processes, names of threads.
    rules.only(libc::SYS_mmap, &[&[masked(2, executable, 0)]])?;
    rules.only(libc::SYS_mprotect, &[&[masked(2, executable, 0)]])?;
    rules.only(libc::SYS_clone, &[&[masked(0, thread, thread)]])?;
    rules.only(libc::SYS_prctl, &[&[equal(0, libc::PR_SET_NAME)]])?;
    rules.apply()
}

/// What a server needs: files, processes, sockets of the internet's kinds. `own_network` says whether those sockets
/// lead nowhere; where they do not, only TCP is left, which Landlock bounds.
pub fn serving(network: Network, own_network: bool) -> Result<(), String> {
    let mut rules = Rules::allowing(&[COMPUTING, FILES, PROCESSES, SOCKETS]);
    for call in [libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_prctl] {
        rules.0.insert(call, Vec::new());
    }
    // Processes, but no namespaces of their own: in one they would have every privilege.
    rules.only(libc::SYS_clone, &[&[masked(0, NAMESPACES, 0)]])?;
    // A terminal cannot be typed into.
    let not = |value: u64| Condition { argument: 1, long: false, compare: SeccompCmpOp::Ne, value };
    rules.only(libc::SYS_ioctl, &[&[not(TYPE_INTO_TERMINAL), not(CONSOLE)]])?;
    // The usual way of running, and asking for it.
    rules.only(libc::SYS_personality, &[&[equal(0, 0)], &[Condition::whole(0, 0xffff_ffff)]])?;
    // Pairs that are connected to each other; of datagrams one could still be connected to a path.
    let pair = |kind: i32| [equal(0, libc::AF_UNIX), masked(1, KIND, u64::from(kind.unsigned_abs()))];
    rules.only(libc::SYS_socketpair, &[&pair(libc::SOCK_STREAM), &pair(libc::SOCK_SEQPACKET)])?;
    // Bounds of its own only.
    rules.only(libc::SYS_prlimit64, &[&[equal(0, 0)]])?;
    // Data that opens a connection passes the check of connections by.
    let fast = u64::from(libc::MSG_FASTOPEN.unsigned_abs());
    for (call, flags) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
        rules.only(call, &[&[masked(flags, fast, 0)]])?;
    }
    let mut kinds: Vec<Vec<Condition>> = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        let of = |kind: i32| vec![equal(0, family), masked(1, KIND, u64::from(kind.unsigned_abs()))];
        if own_network {
            kinds.extend([of(libc::SOCK_STREAM), of(libc::SOCK_DGRAM)]);
        } else if network != Network::None {
            // Other protocols with streams are not bounded by Landlock.
            kinds.extend([0, libc::IPPROTO_TCP].map(|p| [of(libc::SOCK_STREAM), vec![equal(2, p)]].concat()));
        }
    }
    let kinds: Vec<&[Condition]> = kinds.iter().map(Vec::as_slice).collect();
    if !kinds.is_empty() {
        rules.only(libc::SYS_socket, &kinds)?;
    }
    rules.apply()
}

/// Flags of new namespaces: mount, cgroup, UTS, IPC, user, process, network.
const NAMESPACES: u64 = 0x7e02_0000;
/// The part of a socket's type that is its kind.
const KIND: u64 = 0xf;
/// `TIOCSTI` and `TIOCLINUX`.
const TYPE_INTO_TERMINAL: u64 = 0x5412;
const CONSOLE: u64 = 0x541c;

#[derive(Clone)]
struct Condition {
    argument: u8,
    long: bool,
    compare: SeccompCmpOp,
    value: u64,
}

impl Condition {
    const fn whole(argument: u8, value: u64) -> Self {
        Self { argument, long: true, compare: SeccompCmpOp::Eq, value }
    }
}

/// An `int` argument that has this value.
fn equal(argument: u8, value: i32) -> Condition {
    Condition { argument, long: false, compare: SeccompCmpOp::Eq, value: u64::from(value.unsigned_abs()) }
}

/// An argument whose bits in `mask` are those of `value`.
const fn masked(argument: u8, mask: u64, value: u64) -> Condition {
    Condition { argument, long: true, compare: SeccompCmpOp::MaskedEq(mask), value }
}

/// What is allowed.
struct Rules(BTreeMap<i64, Vec<SeccompRule>>);

impl Rules {
    fn allowing(lists: &[&[i64]]) -> Self {
        let mut rules = Self(BTreeMap::new());
        lists.iter().for_each(|list| rules.allow(list));
        rules
    }

    fn allow(&mut self, calls: &[i64]) {
        self.0.extend(calls.iter().map(|call| (*call, Vec::new())));
    }

    /// Allows a call where all conditions of one of the cases hold.
    fn only(&mut self, call: i64, cases: &[&[Condition]]) -> Result<(), String> {
        let rule = |case: &&[Condition]| {
            let conditions = case.iter().map(|c| {
                let length = if c.long { SeccompCmpArgLen::Qword } else { SeccompCmpArgLen::Dword };
                SeccompCondition::new(c.argument, length, c.compare.clone(), c.value)
            });
            SeccompRule::new(conditions.collect::<Result<_, _>>()?)
        };
        let rules: Result<Vec<SeccompRule>, seccompiler::BackendError> = cases.iter().map(rule).collect();
        self.0.insert(call, rules.map_err(|error| error.to_string())?);
        Ok(())
    }

    fn apply(self) -> Result<(), String> {
        let arch = std::env::consts::ARCH
            .try_into()
            .map_err(|_| "seccomp filters are not made for this processor".to_owned())?;
        let refuse = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        let filter = SeccompFilter::new(self.0, refuse, SeccompAction::Allow, arch);
        let program: Result<BpfProgram, _> = filter.and_then(TryInto::try_into);
        let program = program.map_err(|error| format!("seccomp: {error}"))?;
        apply_filter_all_threads(&program).map_err(|error| format!("seccomp: {error}"))
    }
}

/// Reading, memory, threads, time, random numbers, the end.
const COMPUTING: &[i64] = &[
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

/// Files, which Landlock bounds, and waiting for them. None without a name (`memfd_create`): they are in memory that no
/// limit of a process counts.
const FILES: &[i64] = &[
    libc::SYS_chdir,
    libc::SYS_close_range,
    libc::SYS_copy_file_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fchdir,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fdatasync,
    libc::SYS_fgetxattr,
    libc::SYS_flistxattr,
    libc::SYS_flock,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getxattr,
    libc::SYS_inotify_add_watch,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_rm_watch,
    libc::SYS_lgetxattr,
    libc::SYS_linkat,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_openat2,
    libc::SYS_pipe2,
    libc::SYS_preadv2,
    libc::SYS_pselect6,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_readahead,
    libc::SYS_renameat2,
    libc::SYS_sendfile,
    libc::SYS_signalfd4,
    libc::SYS_splice,
    libc::SYS_statfs,
    libc::SYS_symlinkat,
    libc::SYS_sync_file_range,
    libc::SYS_tee,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_gettime,
    libc::SYS_timerfd_settime,
    libc::SYS_truncate,
    libc::SYS_umask,
    libc::SYS_unlinkat,
    libc::SYS_utimensat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_creat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_dup2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_create,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_eventfd,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_getdents,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_inotify_init,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_link,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_pipe,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_renameat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rmdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_symlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
];

/// Starting programs and threads, signals, timers, memory, and asking who one is.
const PROCESSES: &[i64] = &[
    libc::SYS_capget,
    libc::SYS_clock_getres,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_get_mempolicy,
    libc::SYS_get_robust_list,
    libc::SYS_getcpu,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getgroups,
    libc::SYS_getitimer,
    libc::SYS_getpgid,
    libc::SYS_getppid,
    libc::SYS_getpriority,
    libc::SYS_getresgid,
    libc::SYS_getresuid,
    libc::SYS_getrlimit,
    libc::SYS_getrusage,
    libc::SYS_getsid,
    libc::SYS_getuid,
    libc::SYS_kill,
    libc::SYS_landlock_add_rule,
    libc::SYS_landlock_create_ruleset,
    libc::SYS_landlock_restrict_self,
    libc::SYS_mbind,
    libc::SYS_mincore,
    libc::SYS_mlock,
    libc::SYS_mlock2,
    libc::SYS_mlockall,
    libc::SYS_msync,
    libc::SYS_munlock,
    libc::SYS_munlockall,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pkey_alloc,
    libc::SYS_pkey_free,
    libc::SYS_pkey_mprotect,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_sched_getattr,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_rr_get_interval,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_seccomp,
    libc::SYS_set_mempolicy,
    libc::SYS_set_tid_address,
    libc::SYS_setitimer,
    libc::SYS_setpgid,
    libc::SYS_setpriority,
    libc::SYS_setrlimit,
    libc::SYS_setsid,
    libc::SYS_sysinfo,
    libc::SYS_timer_create,
    libc::SYS_timer_delete,
    libc::SYS_timer_getoverrun,
    libc::SYS_timer_gettime,
    libc::SYS_timer_settime,
    libc::SYS_times,
    libc::SYS_tkill,
    libc::SYS_uname,
    libc::SYS_wait4,
    libc::SYS_waitid,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_alarm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_arch_prctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_getpgrp,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_pause,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
];

/// Sockets, once there is one. Of what kind it may be is a rule of its own.
const SOCKETS: &[i64] = &[
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_listen,
    libc::SYS_recvfrom,
    libc::SYS_recvmmsg,
    libc::SYS_recvmsg,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
];
