//! Namespaces: a machine of its own as far as a process can see (`namespaces(7)`).

use std::ffi::CString;
use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, send, socket};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

/// Leaves the namespaces that `flags` name. This process has one thread.
#[expect(deprecated, reason = "its successor is unsafe because of one flag, FILES, which nobody here uses")]
pub fn leave(flags: UnshareFlags) -> Result<(), String> {
    rustix::thread::unshare(flags).map_err(|error| error.to_string())
}

/// A user namespace in which this user is root, and nobody else is anybody.
pub fn user() -> Result<(), String> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    leave(UnshareFlags::NEWUSER)?;
    let write = |file: &str, text: String| {
        std::fs::write(Path::new("/proc/self").join(file), text)
            .map_err(|error| format!("/proc/self/{file}: {error}"))
    };
    // Without this a group could not be named by somebody without privileges (user_namespaces(7)).
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("0 {user} 1"))?;
    write("gid_map", format!("0 {group} 1"))
}

/// Starts the loopback of a network namespace that is new.
pub fn loopback() -> Result<(), String> {
    const SET_LINK: u16 = 16;
    const REQUEST_WITH_ANSWER: u16 = 1 | 4;
    const UP: u32 = 1;
    // nlmsghdr and ifinfomsg (rtnetlink(7)); the loopback is the first interface of every namespace.
    let mut request = Vec::with_capacity(32);
    request.extend(32_u32.to_ne_bytes());
    request.extend(SET_LINK.to_ne_bytes());
    request.extend(REQUEST_WITH_ANSWER.to_ne_bytes());
    request.extend([1_u32.to_ne_bytes(), 0_u32.to_ne_bytes(), [0; 4]].concat());
    request.extend([1_u32.to_ne_bytes(), UP.to_ne_bytes(), UP.to_ne_bytes()].concat());
    let ask = || -> rustix::io::Result<[u8; 4]> {
        // No protocol is that of routes.
        let kernel = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
        send(&kernel, &request, SendFlags::empty())?;
        let mut answer = [0_u8; 256];
        let (_, length) = recv(&kernel, answer.as_mut_slice(), RecvFlags::empty())?;
        // An nlmsgerr: its error comes after its header, and is 0 where there is none.
        let code = answer.get(..length).and_then(|answer| answer.get(16..20)).unwrap_or(&[0xff; 4]);
        Ok(code.try_into().unwrap_or([0xff; 4]))
    };
    match ask() {
        Ok([0, 0, 0, 0]) => Ok(()),
        Ok(code) => Err(std::io::Error::from_raw_os_error(-i32::from_ne_bytes(code)).to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Keeps what is mounted here from being seen outside.
pub fn private_mounts() -> Result<(), String> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(|error| error.to_string())
}

/// An empty folder in memory, for at most so many bytes.
pub fn memory_folder(at: &Path, bytes: u64) -> Result<(), String> {
    let options = CString::new(format!("size={bytes},mode=0700")).map_err(|error| error.to_string())?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", at, "tmpfs", flags, options.as_c_str()).map_err(|error| error.to_string())
}

/// The processes of this process namespace, and no others.
pub fn processes() -> Result<(), String> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", flags, None).map_err(|error| error.to_string())
}

/// Gives every privilege up, for this process and for whatever it starts.
pub fn no_privileges() -> Result<(), String> {
    let said = |error: rustix::io::Errno| error.to_string();
    rustix::thread::set_no_new_privs(true).map_err(said)?;
    for capability in CapabilitySet::all().iter() {
        match rustix::thread::capability_is_in_bounding_set(capability) {
            Ok(true) => rustix::thread::remove_capability_from_bounding_set(capability),
            // A capability that this kernel does not know.
            _ => continue,
        }
        // Without the privilege to do so the set stays, and does no harm: nothing more can be gained.
        .or_else(|error| if error == rustix::io::Errno::PERM { Ok(()) } else { Err(error) })
        .map_err(said)?;
    }
    // A kernel before 4.3 has no such set.
    let _ = rustix::thread::clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )
    .map_err(said)
}
