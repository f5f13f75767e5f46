//! Resource limits and powers.

use rustix::io;
use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

use super::Limits;

/// How much the function gives way to the server.
const NICENESS: i32 = 10;

/// Lets everything else on the machine go first.
pub(super) fn lower_priority() {
    // A limit of the administrator's may already hold it lower.
    let _ = nice(NICENESS);
}

/// Sets the limits, soft and hard, never above those that hold already. That of memory is set by
/// the interpreter on itself, before it loads the function: our own allocator reserves more.
pub(super) fn set(limits: &Limits, with_processes: bool) -> io::Result<()> {
    let mut wanted = vec![
        (Resource::Core, 0),
        (Resource::Cpu, limits.cpu_seconds),
        (Resource::Nofile, limits.open_files),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ];
    // Outside a user namespace this counts all processes of the server's user, the server included.
    if with_processes {
        wanted.push((Resource::Nproc, limits.processes));
    }
    for (resource, value) in wanted {
        let value = getrlimit(resource).maximum.map_or(value, |maximum| maximum.min(value));
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?;
    }
    Ok(())
}

/// Gives up every capability, for good and for all that is executed from here.
pub(super) fn drop_powers() -> io::Result<()> {
    set_no_new_privs(true)?;
    for bit in 0..u64::BITS {
        // Fails where the kernel has no such capability, and where we may not: then we have none.
        let _ = remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit));
    }
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}
