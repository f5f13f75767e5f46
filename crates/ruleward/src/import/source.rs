//! Where the resources of an import come from, and what names that to the service.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::input::Input;
use super::report::Progress;
use super::split::Splitter;
use crate::check::terraform::Plan;

/// Resources, one after the other.
pub type Resources = Splitter<Box<dyn BufRead + Send>>;

/// Opens a source; what takes long tells it by the progress.
type Open = Box<dyn FnOnce(Progress) -> io::Result<Resources> + Send>;

/// Where resources come from.
pub struct Source {
    /// What names it to the service: the same source, unchanged, finds its open session again.
    pub name: String,
    /// How much there is to read; 0 where that is not known.
    pub size_bytes: u64,
    /// How much was read.
    pub read_bytes: Arc<AtomicU64>,
    open: Option<Open>,
    /// What it is to the source that is the line of a file, by its place.
    places: Vec<String>,
    unknown: BTreeMap<String, u64>,
    /// What is kept of it until the import has ended.
    spool: Option<PathBuf>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Source {
    /// A source of which no more is known than its name and its text.
    pub fn new(name: String, open: Open) -> Self {
        Self {
            name,
            size_bytes: 0,
            read_bytes: Arc::default(),
            open: Some(open),
            places: Vec::new(),
            unknown: BTreeMap::new(),
            spool: None,
        }
    }

    /// The same, of which a file is kept until the import has ended.
    pub fn with_spool(self, spool: PathBuf) -> Self {
        Self { spool: Some(spool), ..self }
    }

    /// A file of resources, or standard input for `-`.
    pub fn file(path: &Path, replace: &[String]) -> anyhow::Result<Self> {
        let input = Input::open(path)?;
        let (size_bytes, read_bytes) = (input.size_bytes(), input.read_bytes());
        let name = input.source(replace)?;
        Ok(Self { size_bytes, read_bytes, ..Self::new(name, Box::new(|_| input.into_lines())) })
    }

    /// What `terraform show -json` prints.
    pub fn terraform(path: &Path, replace: &[String]) -> anyhow::Result<Self> {
        let name = format!("terraform-{}", Input::open(path)?.source(replace)?);
        let plan = Plan::read(path)?;
        let texts: Vec<Vec<u8>> = plan.texts().map(<[u8]>::to_vec).collect();
        let mut texts = texts.into_iter();
        let next = move |into: &mut Vec<u8>| {
            let Some(text) = texts.next() else { return Ok(false) };
            *into = text;
            into.push(b'\n');
            Ok(true)
        };
        let places = (1..).map_while(|place| plan.address(place).map(str::to_owned)).collect();
        let unknown = plan.unknown().map(|(name, count)| (name.to_owned(), count)).collect();
        let made = Self::new(name, Box::new(|_| Ok(Splitter::of_lines(pieces(next)))));
        Ok(Self { places, unknown, ..made })
    }

    /// Opens it, once.
    pub fn take(&mut self) -> impl FnOnce(Progress) -> io::Result<Resources> + Send + 'static {
        let open = self.open.take();
        move |progress| match open {
            Some(open) => open(progress),
            None => Err(io::Error::other("the source was read already")),
        }
    }

    /// What stands at a place, in words of the source.
    pub fn place(&self, line: u64) -> Option<String> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        self.places.get(index).cloned()
    }

    /// Types that are not known, with the number of their resources.
    pub fn unknown(&self) -> BTreeMap<String, u64> {
        self.unknown.clone()
    }

    /// The import has ended: nothing is needed any more.
    pub fn forget(&self) -> io::Result<()> {
        self.spool.as_ref().map_or(Ok(()), std::fs::remove_file)
    }
}

/// Text that comes piece by piece: `next` fills a buffer, or says that there is no more.
pub fn pieces(
    next: impl FnMut(&mut Vec<u8>) -> anyhow::Result<bool> + Send + 'static,
) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::new(Pieces { next, piece: Vec::new(), at: 0 }))
}

struct Pieces<F> {
    next: F,
    piece: Vec<u8>,
    at: usize,
}

impl<F: FnMut(&mut Vec<u8>) -> anyhow::Result<bool>> Read for Pieces<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.piece.len() {
            self.piece.clear();
            self.at = 0;
            // The chain of causes as text: an error of reading has room for one.
            let more = (self.next)(&mut self.piece);
            if !more.map_err(|error| io::Error::other(format!("{error:#}")))? {
                return Ok(0);
            }
        }
        let mut rest = self.piece.get(self.at..).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_a_whole() {
        let mut given = vec![&b"ab"[..], b"", b"c"].into_iter();
        let mut whole = String::new();
        pieces(move |into| {
            let Some(piece) = given.next() else { return Ok(false) };
            into.extend_from_slice(piece);
            Ok(true)
        })
        .read_to_string(&mut whole)
        .unwrap();
        assert_eq!(whole, "abc");
        let told = pieces(|_| Err(anyhow::anyhow!("inner").context("outer")))
            .read_to_string(&mut whole)
            .unwrap_err();
        assert_eq!(told.to_string(), "outer: inner");
    }
}
