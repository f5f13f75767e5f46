//! The snapshots that the vendor's recorder leaves in a bucket: gzip JSON in parts, each an object
//! whose `items` hold a resource and its relations.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use flate2::bufread::MultiGzDecoder;
use ruleward_policy::json::{RawString, RawValue, member};
use ruleward_types::ids::hex;
use sha2::{Digest as _, Sha256};

use super::input::Input;
use super::source::{Source, pieces};
use super::split::Splitter;

const BUFFER_BYTES: usize = 256 * 1024;
const ENDING: &str = ".json.gz";
const KIND: &str = "_ResourceSnapshot_";
/// Folders in one another that are searched.
const DEEPEST: usize = 16;

/// A part of a snapshot, by its file's name: `…_ResourceSnapshot_{time}_{id}[_part-{n}].json.gz`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    time: String,
    id: String,
    number: u64,
    path: PathBuf,
}

impl Part {
    fn of(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (_, rest) = name.strip_suffix(ENDING)?.split_once(KIND)?;
        let (time, rest) = rest.split_once('_')?;
        let (id, number) = match rest.split_once("_part-") {
            Some((id, number)) => (id, number.parse().ok()?),
            None => (rest, 1),
        };
        Some(Self { time: time.to_owned(), id: id.to_owned(), number, path })
    }
}

/// The resources of a part, or of the newest snapshot in a folder.
pub fn source(path: &Path, replace: &[String]) -> anyhow::Result<Source> {
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    let files = if metadata.is_dir() { newest(path)? } else { vec![path.to_owned()] };
    let mut digest = Sha256::new();
    for file in &files {
        digest.update(Input::open(file)?.source(replace)?);
    }
    let name = format!("snapshot-{}", hex(&digest.finalize()));
    Ok(Source::new(name, Box::new(|_| Ok(Splitter::of_lines(pieces(lines(files)))))))
}

/// The parts of the newest snapshot in a folder and the folders in it, all of them.
fn newest(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut parts = Vec::new();
    collect(folder, 0, &mut parts)?;
    parts.sort();
    let Some(last) = parts.last().cloned() else {
        bail!("{} holds no snapshot: no file *{KIND}*{ENDING}", folder.display());
    };
    parts.retain(|part| (&part.time, &part.id) == (&last.time, &last.id));
    for (number, part) in (1..).zip(&parts) {
        if part.number != number {
            bail!("part {number} of the snapshot {} is not in {}", part.id, folder.display());
        }
    }
    Ok(parts.into_iter().map(|part| part.path).collect())
}

fn collect(folder: &Path, depth: usize, into: &mut Vec<Part>) -> anyhow::Result<()> {
    let cannot = || format!("cannot read {}", folder.display());
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let kind = entry.file_type().with_context(cannot)?;
        if kind.is_dir() && depth < DEEPEST {
            collect(&entry.path(), depth + 1, into)?;
        } else if !kind.is_dir() {
            into.extend(Part::of(entry.path()));
        }
    }
    Ok(())
}

/// The resources of files, a line each.
fn lines(files: Vec<PathBuf>) -> impl FnMut(&mut Vec<u8>) -> anyhow::Result<bool> {
    let mut files = files.into_iter();
    let mut part: Option<(PathBuf, Items)> = None;
    let mut item = Vec::new();
    move |into| {
        loop {
            if let Some((path, items)) = &mut part {
                let next = items.next(&mut item);
                if next.with_context(|| format!("cannot read {}", path.display()))?.is_some() {
                    append_resource(&item, into);
                    return Ok(true);
                }
            }
            let Some(path) = files.next() else { return Ok(false) };
            let items = items(&path).with_context(|| format!("cannot read {}", path.display()))?;
            part = Some((path, items));
        }
    }
}

type Items = Splitter<BufReader<MultiGzDecoder<BufReader<File>>>>;

fn items(path: &Path) -> anyhow::Result<Items> {
    let file = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    let plain = BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(file));
    Ok(Splitter::of_list(plain, b"items"))
}

/// The resource of an item. An item without one goes as it is, for the service to refuse.
fn append_resource(item: &[u8], into: &mut Vec<u8>) {
    let resource = member(item, RawString::plain(b"resource"));
    match resource {
        Ok(Some(RawValue::Object(text))) => into.extend_from_slice(text),
        _ => into.extend_from_slice(item),
    }
    into.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut packer = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap();
        path
    }

    fn read(files: Vec<PathBuf>) -> Result<String, String> {
        let mut text = String::new();
        let read = pieces(lines(files)).read_to_string(&mut text);
        read.map(|_| text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_newest_snapshot_with_all_its_parts() {
        let dir = tempfile::tempdir().unwrap();
        let name = |day: &str, time: &str, id: &str, part: &str| {
            format!(
                "RMSLogs/a/Snapshot/2024/7/{day}/a_Snapshot_r_ResourceSnapshot_{time}_{id}{part}.json.gz"
            )
        };
        let item = |id: &str| format!("{{\"resource\":{{\"id\":\"{id}\"}},\"relations\":[{{}}]}}");
        let text = |ids: &[&str]| {
            let items: Vec<_> = ids.iter().map(|id| item(id)).collect();
            format!(
                "{{\"snapshot_id\":\"s\",\"snapshot_time\":\"t\",\"items\":[{}]}}",
                items.join(",")
            )
        };
        write(dir.path(), &name("22", "2024-07-22T221441Z", "x", "_part-1"), &text(&["old"]));
        write(dir.path(), "ConfigWritabilityCheckFile", "");
        for part in [10, 2, 1, 3, 4, 5, 6, 7, 8, 9] {
            let ids = [format!("p{part}a"), format!("p{part}b")];
            let file = name("23", "2024-07-23T221441Z", "y", &format!("_part-{part}"));
            write(dir.path(), &file, &text(&[&ids[0], &ids[1]]));
        }
        let files = newest(dir.path()).unwrap();
        let all = read(files.clone()).unwrap();
        assert_eq!(all.lines().count(), 20);
        assert!(all.starts_with("{\"id\":\"p1a\"}\n{\"id\":\"p1b\"}\n{\"id\":\"p2a\"}\n"), "{all}");
        assert!(all.ends_with("{\"id\":\"p10b\"}\n"));
        fs::remove_file(&files[4]).unwrap();
        let told = newest(dir.path()).unwrap_err().to_string();
        assert!(told.contains("part 5"), "{told}");
        write(dir.path(), &name("24", "2024-07-24T221441Z", "z", ""), &text(&["whole"]));
        assert_eq!(read(newest(dir.path()).unwrap()).unwrap(), "{\"id\":\"whole\"}\n");
        assert!(newest(&dir.path().join("RMSLogs/a/Snapshot/2024/7/22")).is_ok());
        let empty = tempfile::tempdir().unwrap();
        assert!(newest(empty.path()).unwrap_err().to_string().contains("no snapshot"));
    }

    #[test]
    fn what_is_no_snapshot() {
        let dir = tempfile::tempdir().unwrap();
        let odd =
            write(dir.path(), "odd", "{\"items\":[{\"x\":1},7,{\"resource\":{\"id\":\"a\"}}]}");
        assert_eq!(read(vec![odd]).unwrap(), "{\"x\":1}\n7\n{\"id\":\"a\"}\n");
        for (name, text) in [("cut", "{\"items\":[{\"resource\":{}}"), ("text", "x")] {
            let told = read(vec![write(dir.path(), name, text)]).unwrap_err();
            assert!(told.contains(name) && told.contains("not JSON"), "{told}");
        }
        let plain = dir.path().join("plain");
        fs::write(&plain, "{}").unwrap();
        assert!(read(vec![plain]).unwrap_err().contains("plain"));
    }
}
