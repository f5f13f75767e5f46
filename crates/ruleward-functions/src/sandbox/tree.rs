//! Finding and killing all processes below one.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long to go on against processes that fork faster than they are found.
const PATIENCE: Duration = Duration::from_secs(30);

/// Kills everything below `ancestor`, but not itself, until nothing is left there.
///
/// `ancestor` has to be a subreaper or process 1 of a namespace: then nothing below it can get away.
/// All are stopped before any is killed, so that none forks in answer to another's death.
pub(crate) fn kill_below(ancestor: Pid) {
    let begin = Instant::now();
    loop {
        let found = descendants(ancestor);
        if found.is_empty() {
            return;
        }
        for pid in &found {
            let _ = kill_process(*pid, Signal::STOP);
        }
        for pid in &found {
            let _ = kill_process(*pid, Signal::KILL);
        }
        if begin.elapsed() > PATIENCE {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// All processes below one that still run.
pub(crate) fn descendants(ancestor: Pid) -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if let Ok(stat) = fs::read_to_string(entry.path().join("stat"))
            && let Some(parent) = parent_of_running(&stat)
        {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![ancestor.as_raw_nonzero().get()];
    while let Some(parent) = open.pop() {
        // Each is taken out when it is seen, so that this ends whatever the numbers say.
        for child in children.remove(&parent).unwrap_or_default() {
            open.push(child);
            found.extend(Pid::from_raw(child));
        }
    }
    found
}

/// The parent of a process, from its line in `/proc/PID/stat`; none for one that is dead already.
fn parent_of_running(stat: &str) -> Option<i32> {
    // The name stands in parentheses and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    match fields.next()? {
        "Z" | "X" | "x" => None,
        _ => fields.next()?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_confuse() {
        assert_eq!(parent_of_running("12 (a b) R 7) S 3 12 12 0"), Some(3));
        assert_eq!(parent_of_running("12 (python3) Z 3 12 12 0"), None);
        assert_eq!(parent_of_running("nonsense"), None);
    }
}
