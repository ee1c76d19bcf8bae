//! Overwrites what moved rows have left in the file, page by page.
//!
//! Pages are read and written through SQLite's own table of them, `sqlite_dbpage`: in
//! transactions of the thread that writes, so that a crash leaves each page as it was or as
//! it is to be. A page that others write meanwhile may change places with one that was
//! passed already, and take a copy along. So where anybody wrote, all is gone over once
//! more: that it happens to the same bytes twice is not to be expected.
//!
//! At the end the write-ahead log is moved to the main file and cut to nothing: until then,
//! both have pages as they were before.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, Transaction, params};
use tokio::time::sleep;

use super::page::scrubbed;
use crate::StoreError;
use crate::embedded::writer::Writer;

/// Pages of a step: some milliseconds. Inserts wait for it.
const STEP_PAGES: u32 = 256;

/// How often all is gone over at the most.
const PASSES: u32 = 2;

/// From this page on, the number of another page with which one begins may look like the
/// kind of a b-tree: 128 GiB, where a page has 4 KiB.
const MAX_PAGES: u32 = 1 << 25;

/// How often the log is tried to be emptied where readers hold it, and the pause before.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

const HAS_PAGES: &str =
    "SELECT EXISTS (SELECT 1 FROM pragma_module_list WHERE name = 'sqlite_dbpage')";

const READ: &str = "SELECT data FROM sqlite_dbpage WHERE pgno = ?1";

const WRITE: &str = "UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1";

/// Goes over the whole file.
pub async fn scrub(writer: &Writer) -> Result<(), StoreError> {
    for _ in 0..PASSES {
        if pass(writer).await? == Others::WroteNothing {
            break;
        }
    }
    empty_wal(writer).await
}

#[derive(PartialEq)]
enum Others {
    WroteNothing,
    Wrote,
}

async fn pass(writer: &Writer) -> Result<Others, StoreError> {
    let mut from = 1;
    let mut rows_before = None;
    let mut others = Others::WroteNothing;
    loop {
        let step = writer.change(move |transaction| step(transaction, from)).await?;
        let step = step.map_err(|obstacle| StoreError::Denied(obstacle.to_owned()))?;
        if rows_before.is_some_and(|rows| rows != step.rows_before) {
            others = Others::Wrote;
        }
        rows_before = Some(step.rows_after);
        match step.next {
            Some(next) => from = next,
            None => return Ok(others),
        }
    }
}

async fn empty_wal(writer: &Writer) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        if writer.empty_wal().await? {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err(StoreError::Unavailable(
        "somebody reads the database all the time, so that its write-ahead log cannot be \
         emptied, which has what was erased; end other programs that have the file open"
            .to_owned(),
    ))
}

/// What a step has done.
struct Step {
    /// The page to go on from; `None` at the end of the file.
    next: Option<u32>,
    /// Rows that this connection had changed, ever: what others write shows in it.
    rows_before: u64,
    rows_after: u64,
}

/// Goes over some pages. What keeps it from that is the inner error.
fn step(transaction: &Transaction<'_>, from: u32) -> rusqlite::Result<Result<Step, &'static str>> {
    let rows_before = transaction.total_changes();
    if !transaction.prepare_cached(HAS_PAGES)?.query_row([], |row| row.get::<_, bool>(0))? {
        return Ok(Err("this program was built without SQLite's table of pages, and cannot \
                       overwrite what was erased: build it with LIBSQLITE3_FLAGS as \
                       .cargo/config.toml has it"));
    }
    let pages: u32 = transaction.pragma_query_value(None, "page_count", |row| row.get(0))?;
    if pages >= MAX_PAGES {
        return Ok(Err("the file has so many pages that their kinds cannot be told from each \
                       other, and what was erased cannot be overwritten by itself: stop the \
                       service and run VACUUM on the file"));
    }
    let format = Format::of(transaction)?;
    let end = from.saturating_add(STEP_PAGES).min(pages.saturating_add(1));
    for number in from..end {
        if !format.is_pointer_map(number) {
            scrub_page(transaction, number, &format)?;
        }
    }
    let next = (end <= pages).then_some(end);
    Ok(Ok(Step { next, rows_before, rows_after: transaction.total_changes() }))
}

fn scrub_page(transaction: &Transaction<'_>, number: u32, format: &Format) -> rusqlite::Result<()> {
    let mut read = transaction.prepare_cached(READ)?;
    let page = read.query_row([number], |row| {
        let page = row.get_ref(0)?.as_blob()?;
        Ok(scrubbed(page, Format::header_of(number), format.usable(page.len())))
    });
    if let Some(Some(page)) = page.optional()? {
        transaction.prepare_cached(WRITE)?.execute(params![number, page])?;
    }
    Ok(())
}

/// What the file says of its pages.
struct Format {
    /// Bytes at the end of each page that are not SQLite's.
    reserved: usize,
    /// Bytes of a page, where some of the pages say where others are: a file that a person
    /// made so has those.
    with_pointer_maps: Option<usize>,
}

impl Format {
    /// What the file begins with, before the header of its first page.
    const FILE_HEADER: usize = 100;

    fn of(transaction: &Transaction<'_>) -> rusqlite::Result<Self> {
        transaction.prepare_cached(READ)?.query_row([1], |row| {
            let page = row.get_ref(0)?.as_blob()?;
            let has_maps = page.get(52..56).is_some_and(|root| root != [0; 4]);
            Ok(Self {
                reserved: page.get(20).copied().map_or(0, usize::from),
                with_pointer_maps: has_maps.then_some(page.len()),
            })
        })
    }

    fn usable(&self, page: usize) -> usize {
        page.saturating_sub(self.reserved)
    }

    fn header_of(number: u32) -> usize {
        if number == 1 { Self::FILE_HEADER } else { 0 }
    }

    /// Whether a page says where others are. The second one does, and from there on each
    /// behind as many as it has room for, of five bytes each; the page of the lock gives its
    /// turn to the next one.
    fn is_pointer_map(&self, number: u32) -> bool {
        const LOCK_BYTE: usize = 1 << 30;
        let Some(page) = self.with_pointer_maps else { return false };
        let Some(place) = (number as usize).checked_sub(2) else { return false };
        let each = self.usable(page) / 5 + 1;
        let map = place / each * each + 2;
        let lock = LOCK_BYTE / page.max(1) + 1;
        number as usize == if map == lock { map + 1 } else { map }
    }
}
