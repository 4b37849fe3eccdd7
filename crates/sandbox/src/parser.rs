//! Confines the calling process to reading and computing: nothing to open but what it is given, nothing to start, no
//! network, bounded memory. For a process that parses what is not trusted.

use std::path::PathBuf;

/// Keeps this process to reading beneath `paths`. Before the first thread is started, because Landlock holds for
/// threads that come after.
#[must_use]
pub fn files(paths: &[PathBuf]) -> bool {
    imp::files(paths)
}

/// Bounds the memory of this process.
#[must_use]
pub fn memory(bytes: u64) -> bool {
    imp::memory(bytes)
}

/// Closes every door but those of reading and computing, for all threads.
#[must_use]
pub fn calls() -> bool {
    imp::calls()
}

#[cfg(target_os = "linux")]
mod imp {
    use std::path::PathBuf;

    use rustix::process::Resource;

    use crate::files::{Use, only};
    use crate::{calls, limits};

    pub fn files(paths: &[PathBuf]) -> bool {
        let paths: Vec<(PathBuf, Use)> = paths.iter().map(|path| (path.clone(), Use::Read)).collect();
        only(&paths).holds()
    }

    pub fn memory(bytes: u64) -> bool {
        let core = limits::bound(Resource::Core, 0);
        limits::bound(Resource::Data, bytes).is_ok() && core.is_ok()
    }

    pub fn calls() -> bool {
        calls::computing().is_ok()
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
mod imp {
    use std::path::PathBuf;

    pub fn files(_: &[PathBuf]) -> bool {
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
    use std::path::PathBuf;

    pub fn files(_: &[PathBuf]) -> bool {
        false
    }

    pub fn memory(_: u64) -> bool {
        false
    }

    pub fn calls() -> bool {
        false
    }
}
