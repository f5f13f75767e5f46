//! Namespaces, entered without being root.

use std::fs;
use std::io;

use rustix::process::{getegid, geteuid};
use rustix::thread::UnshareFlags;

/// Enters new user, mount, PID and IPC namespaces. The PID namespace begins with the next child.
///
/// Only a process with one thread can do this. Inside it is user 0, outside it stays who it is: it
/// has every power over the namespaces and none over what is outside.
pub(super) fn enter() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    #[expect(
        deprecated,
        reason = "the replacement is unsafe for the flag FILES alone, which we do not use"
    )]
    rustix::thread::unshare(
        UnshareFlags::NEWUSER
            | UnshareFlags::NEWNS
            | UnshareFlags::NEWPID
            | UnshareFlags::NEWIPC
            | UnshareFlags::NEWUTS,
    )?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {} 1", user.as_raw()))?;
    fs::write("/proc/self/gid_map", format!("0 {} 1", group.as_raw()))
}
