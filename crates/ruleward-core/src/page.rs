//! Pages of lists: by the place of the last item, never by offset.

/// A place in a list. What the two numbers mean is the list's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub i64, pub i64);

/// Which page is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Items at most.
    pub limit: usize,
    /// The place of the last item of the page before.
    pub after: Option<Cursor>,
}

/// A page.
#[derive(Debug, Clone)]
pub struct Paged<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Where the next page begins; none on the last page.
    pub next: Option<Cursor>,
}

/// Collects a page: one item more than it holds tells that there is a next one.
pub(crate) struct Collector<T> {
    limit: usize,
    items: Vec<(Cursor, T)>,
    more: bool,
}

impl<T> Collector<T> {
    pub(crate) fn new(page: Page) -> Self {
        Self { limit: page.limit, items: Vec::new(), more: false }
    }

    /// Whether the page is full and known to have a successor.
    pub(crate) fn is_full(&self) -> bool {
        self.more
    }

    /// Whether another item would still stand on this page.
    pub(crate) fn has_room(&self) -> bool {
        self.items.len() < self.limit
    }

    /// Notes that an item follows which has no room any more.
    pub(crate) fn overflow(&mut self) {
        self.more = true;
    }

    pub(crate) fn push(&mut self, at: Cursor, item: T) {
        if self.has_room() {
            self.items.push((at, item));
        } else {
            self.more = true;
        }
    }

    pub(crate) fn finish(self) -> Paged<T> {
        let next = if self.more { self.items.last().map(|(at, _)| *at) } else { None };
        Paged { items: self.items.into_iter().map(|(_, item)| item).collect(), next }
    }
}
