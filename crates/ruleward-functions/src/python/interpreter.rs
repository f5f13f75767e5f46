//! Where the interpreter and the function are, and what of the machine they need to see.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;

/// Folders that hold much beside a function: of these, only the file itself is shown.
const SHARED: &[&str] =
    &["/", "/etc", "/home", "/opt", "/root", "/srv", "/tmp", "/var", "/var/tmp"];

/// The function's file: where it really is. It can be opened.
pub(super) fn function(file: &Path) -> Result<PathBuf, Failure> {
    let missing = |error| Failure::NotFound(format!("cannot read {}: {error}", file.display()));
    let path = fs::canonicalize(file).map_err(missing)?;
    let metadata = File::open(&path).and_then(|file| file.metadata()).map_err(missing)?;
    if metadata.is_file() {
        Ok(path)
    } else {
        Err(Failure::NotFound(format!("{} is not a file", file.display())))
    }
}

/// An interpreter that was found and asked about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interpreter {
    /// The program itself; what was named may be a script that chooses one.
    pub program: PathBuf,
    /// Where its libraries are, and those of what it is a virtual environment of.
    prefixes: Vec<PathBuf>,
}

/// Prints what `Interpreter` holds, a line each.
const ABOUT: &str = "import sys; print(sys.executable, sys.prefix, sys.base_prefix, sep='\\n')";

impl Interpreter {
    /// Runs the interpreter of this name or path, outside any sandbox: who manages the service
    /// chose it. Blocks.
    pub(super) fn find(name: &Path) -> Result<Self, Failure> {
        let missing = |words: String| {
            Failure::NotFound(format!("no interpreter {}: {words}", name.display()))
        };
        let output = Command::new(name)
            .args(["-I", "-c", ABOUT])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| missing(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines().map(PathBuf::from).filter(|path| path.is_absolute());
        match lines.next() {
            Some(program) if output.status.success() => {
                Ok(Self { program, prefixes: lines.collect() })
            }
            _ => Err(missing(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        }
    }

    /// What of the machine has to be visible for it and a function, beside the system's folders.
    pub(super) fn readable(&self, function: &Path) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> =
            self.prefixes.iter().filter(|prefix| !is_shared(prefix)).cloned().collect();
        // It may be a link out of its environment.
        paths.push(self.program.clone());
        paths.push(folder_of(function));
        paths
    }
}

/// The folder of a file, or the file where the folder is not its own.
fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !is_shared(folder) => folder.to_owned(),
        _ => file.to_owned(),
    }
}

fn is_shared(folder: &Path) -> bool {
    SHARED.iter().any(|shared| Path::new(shared) == folder)
        || env::var_os("HOME").is_some_and(|home| Path::new(&home) == folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_folder_is_not_shown_for_one_file() {
        assert_eq!(folder_of(Path::new("/tmp/check.py")), Path::new("/tmp/check.py"));
        assert_eq!(folder_of(Path::new("/srv/checks/check.py")), Path::new("/srv/checks"));
    }

    #[test]
    fn what_is_not_there_is_told() {
        let words = Interpreter::find(Path::new("no-such-python")).unwrap_err().to_string();
        assert!(words.contains("no-such-python"), "{words}");
        let words = function(Path::new("/no/such.py")).unwrap_err().to_string();
        assert!(words.contains("/no/such.py"), "{words}");
        let words = function(Path::new("/usr")).unwrap_err().to_string();
        assert!(words.contains("not a file"), "{words}");
    }
}
