//! A root of the function's own: the system's programs and libraries, its own folder, nothing else,
//! and nothing of it writable but `/tmp`.

use std::collections::VecDeque;
use std::ffi::{CString, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

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
/// Links on the way to one file, as many as the kernel follows.
const MOST_LINKS: u32 = 40;
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

    let mut view = View { root: &root, scratch: &scratch, shown: Vec::new() };
    for path in SYSTEM.iter().map(Path::new).chain(spec.readable.iter().map(PathBuf::as_path)) {
        view.show(path)?;
    }
    hide(&root, spec)?;
    devices(&mut view)?;
    processes(&root, spec, notes);
    freeze(&root, &scratch)?;

    chdir(&root).map_err(told("cannot enter the root"))?;
    pivot_root(".", ".").map_err(told("cannot change the root"))?;
    unmount(".", UnmountFlags::DETACH).map_err(told("cannot leave the old root"))?;
    chdir("/").map_err(told("cannot enter the new root"))
}

/// What of the machine is visible in the new root so far.
struct View<'a> {
    root: &'a Path,
    scratch: &'a Path,
    shown: Vec<PathBuf>,
}

impl View<'_> {
    /// Makes a file or a folder visible at its own path, with all links on the way. What the machine
    /// does not have is left out.
    ///
    /// Links are followed one by one and by us: in the root that is being built, the kernel would
    /// follow them into the old one.
    fn show(&mut self, path: &Path) -> Result<(), String> {
        let told = |error: io::Error| format!("cannot show {}: {error}", path.display());
        let mut walked = PathBuf::from("/");
        let mut ahead: VecDeque<OsString> = names(path).collect();
        let mut links = 0;
        while let Some(name) = ahead.pop_front() {
            if name == ".." {
                walked.pop();
                continue;
            }
            let next = walked.join(name);
            let Ok(metadata) = fs::symlink_metadata(&next) else { return Ok(()) };
            if !metadata.is_symlink() {
                walked = next;
                continue;
            }
            links += 1;
            if links > MOST_LINKS {
                return Err(format!("cannot show {}: too many links", path.display()));
            }
            let aim = fs::read_link(&next).map_err(told)?;
            self.link(&next, &aim).map_err(told)?;
            if aim.is_absolute() {
                walked = PathBuf::from("/");
            }
            for name in names(&aim).collect::<Vec<_>>().into_iter().rev() {
                ahead.push_front(name);
            }
        }
        self.mount(walked).map_err(told)
    }

    /// Whether a path is part of what is shown already.
    fn holds(&self, path: &Path) -> bool {
        self.shown.iter().any(|shown| path.starts_with(shown))
    }

    fn link(&self, path: &Path, aim: &Path) -> io::Result<()> {
        if self.holds(path) {
            return Ok(());
        }
        let target = below(self.root, path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        match symlink(aim, &target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            outcome => outcome,
        }
    }

    /// Mounts what is at a path without links.
    fn mount(&mut self, path: PathBuf) -> io::Result<()> {
        let target = below(self.root, &path);
        // What holds the scratch folder would cover it.
        if self.holds(&path) || self.scratch.starts_with(&target) {
            return Ok(());
        }
        if path.is_dir() {
            fs::create_dir_all(&target)?;
            mount_bind_recursive(&path, &target)?;
        } else {
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&target, "")?;
            mount_bind(&path, &target)?;
        }
        self.shown.push(path);
        Ok(())
    }
}

/// The names of a path, `..` among them.
fn names(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
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

fn devices(view: &mut View<'_>) -> Result<(), String> {
    for device in DEVICES {
        view.show(Path::new(device))?;
    }
    let dev = view.root.join("dev");
    fs::create_dir(view.root.join("tmp/shm")).map_err(told("cannot make /tmp/shm"))?;
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
        let point = PathBuf::from(OsString::from_vec(unescape(point)));
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
