//! A root of the function's own: the system's programs and libraries, its own folder, nothing else,
//! and nothing of it writable but `/tmp`.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive,
    mount_change, mount_remount, unmount,
};
use rustix::process::{chdir, pivot_root};

use super::{INNER_SCRATCH, Spec};

/// What programs need of a system; what is not there is left out.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/pki",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
];
/// Devices that give and take nothing of the machine's.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// Process numbers that the kernel does not use a second time.
const RESERVED_PIDS: u64 = 300;

/// Builds the root and moves into it.
pub(super) fn build(spec: &Spec, notes: &mut Vec<String>) -> Result<(), String> {
    let root = spec.scratch.join("root");
    fs::create_dir(&root).map_err(told("cannot make a folder for the root"))?;
    // Nothing that happens here may be seen outside.
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(told("cannot detach the mounts"))?;
    mount_tmpfs(&root, "mode=755,size=1m")?;
    let scratch = below(&root, Path::new(INNER_SCRATCH));
    fs::create_dir(&scratch).map_err(told("cannot make /tmp"))?;
    mount_tmpfs(&scratch, &format!("mode=700,size={}", spec.limits.scratch_bytes))?;

    let mut shown: Vec<PathBuf> = Vec::new();
    for path in SYSTEM.iter().map(Path::new).chain(spec.readable.iter().map(PathBuf::as_path)) {
        // Seen already, as part of another.
        if !shown.iter().any(|outer| path.starts_with(outer)) && show(&root, path)? {
            shown.push(path.to_owned());
        }
    }
    hide(&root, spec)?;
    devices(&root)?;
    processes(&root, spec, notes);
    freeze(&root, &scratch)?;

    chdir(&root).map_err(told("cannot enter the root"))?;
    pivot_root(".", ".").map_err(told("cannot change the root"))?;
    unmount(".", UnmountFlags::DETACH).map_err(told("cannot leave the old root"))?;
    chdir("/").map_err(told("cannot enter the new root"))
}

/// Makes a file, a folder or a link of the machine visible at its own path; false if it has none.
fn show(root: &Path, path: &Path) -> Result<bool, String> {
    let told = |error: io::Error| format!("cannot show {}: {error}", path.display());
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(false) };
    let target = below(root, path);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(told)?;
    }
    if metadata.is_symlink() {
        let aim = fs::read_link(path).map_err(told)?;
        symlink(aim, &target).map_err(told)?;
        // What `/etc` holds as a link may lead anywhere (`/run/…/resolv.conf`).
        return match fs::canonicalize(path) {
            Ok(real) if path.starts_with("/etc") && real.is_file() && !real.starts_with("/usr") => {
                show(root, &real).map(|_| false)
            }
            _ => Ok(false),
        };
    }
    if target.exists() && !metadata.is_dir() {
        return Ok(true);
    }
    if metadata.is_dir() {
        fs::create_dir_all(&target).map_err(told)?;
        mount_bind_recursive(path, &target).map_err(|error| told(error.into()))?;
    } else {
        fs::write(&target, "").map_err(told)?;
        mount_bind(path, &target).map_err(|error| told(error.into()))?;
    }
    Ok(true)
}

/// Lays an empty folder over each that is not to be seen.
fn hide(root: &Path, spec: &Spec) -> Result<(), String> {
    for path in &spec.hidden {
        let target = below(root, path);
        // The function's own folder may stand inside; what is around it was never shown.
        let around = spec.readable.iter().any(|readable| readable.starts_with(path));
        if !around && target.is_dir() {
            mount_tmpfs(&target, "mode=000,size=4k")?;
        }
    }
    Ok(())
}

fn devices(root: &Path) -> Result<(), String> {
    for device in DEVICES {
        show(root, Path::new(device))?;
    }
    let dev = root.join("dev");
    fs::create_dir(root.join("tmp/shm")).map_err(told("cannot make /tmp/shm"))?;
    for (name, aim) in [("fd", "/proc/self/fd"), ("shm", "/tmp/shm")] {
        symlink(aim, dev.join(name)).map_err(told("cannot make a link in /dev"))?;
    }
    Ok(())
}

/// `/proc` of the new PID namespace, with the kernel's own limits on it where it knows them.
fn processes(root: &Path, spec: &Spec, notes: &mut Vec<String>) {
    let proc = root.join("proc");
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let mounted = fs::create_dir(&proc)
        .and_then(|()| mount("proc", &proc, "proc", flags, None).map_err(io::Error::from));
    if let Err(error) = mounted {
        notes.push(format!("no /proc of its own: {error}"));
        return;
    }
    // A function has no use for namespaces, and much of the kernel's risk is behind them.
    let mut settings = vec![("sys/user/max_user_namespaces", 0)];
    // The limit of processes does not hold for the machine's root. The size of the number space
    // does, where the namespace has one of its own (6.14); it begins behind the reserved numbers.
    if rustix::process::geteuid().is_root() {
        settings.push(("sys/kernel/pid_max", RESERVED_PIDS + spec.limits.processes));
        settings.push(("sys/kernel/ns_last_pid", RESERVED_PIDS - 1));
    }
    for (name, value) in settings {
        if let Err(error) = fs::write(proc.join(name), value.to_string()) {
            notes.push(format!("cannot set {name}: {error}"));
        }
    }
}

/// Makes every mount below the root read-only, but for the scratch folder.
fn freeze(root: &Path, scratch: &Path) -> Result<(), String> {
    let table = fs::read("/proc/self/mountinfo").map_err(told("cannot list the mounts"))?;
    for line in table.split(|byte| *byte == b'\n') {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let (Some(point), Some(options)) = (fields.get(4), fields.get(5)) else { continue };
        let point = PathBuf::from(std::ffi::OsString::from_vec(unescape(point)));
        if !point.starts_with(root) || point == scratch {
            continue;
        }
        let flags = MountFlags::BIND | MountFlags::RDONLY | kept(options);
        // A mount that another one covers cannot be reached, by us or by the function.
        match mount_remount(&point, flags, "") {
            Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {}
            Err(error) => {
                return Err(format!("cannot protect {}: {error}", point.display()));
            }
        }
    }
    Ok(())
}

/// The flags of a mount; a user namespace may not take them away.
fn kept(options: &[u8]) -> MountFlags {
    let known = [
        (&b"nosuid"[..], MountFlags::NOSUID),
        (b"nodev", MountFlags::NODEV),
        (b"noexec", MountFlags::NOEXEC),
        (b"noatime", MountFlags::NOATIME),
        (b"nodiratime", MountFlags::NODIRATIME),
        (b"relatime", MountFlags::RELATIME),
    ];
    options
        .split(|byte| *byte == b',')
        .filter_map(|option| known.iter().find(|(name, _)| *name == option))
        .fold(MountFlags::empty(), |flags, (_, flag)| flags | *flag)
}

/// A path of the mount table: `\040` stands for a space.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'\\')
            .then(|| tail.get(..3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { tail.get(3..).unwrap_or_default() } else { tail };
    }
    bytes
}

fn mount_tmpfs(target: &Path, options: &str) -> Result<(), String> {
    let options = CString::new(options).map_err(|error| error.to_string())?;
    mount("tmpfs", target, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())
        .map_err(|error| format!("cannot mount on {}: {error}", target.display()))
}

fn below(root: &Path, path: &Path) -> PathBuf {
    // `join` would take an absolute path instead of the root.
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn told<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_table_is_read_as_it_is_written() {
        assert_eq!(unescape(br"/a\040b\134c\"), br"/a b\c\");
        let flags = kept(b"rw,nosuid,relatime,whatever");
        assert_eq!(flags, MountFlags::NOSUID | MountFlags::RELATIME);
    }

    #[test]
    fn a_path_stays_below_its_root() {
        assert_eq!(below(Path::new("/r"), Path::new("/etc/ssl")), Path::new("/r/etc/ssl"));
    }
}
