#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rusqlite::{Connection, params};

use super::*;

const BYTES: usize = 512;

/// What stands in all that holds nothing.
const REMNANT: u8 = 0xee;

/// A leaf of a table with these cells of so many bytes each, from the end of the page to
/// its front, each of which begins `between` bytes before the last one.
fn leaf(header: usize, cells: &[usize], between: usize) -> Vec<u8> {
    let mut page = vec![REMNANT; BYTES];
    page[..header].fill(b'h');
    let mut start = BYTES;
    for (number, bytes) in cells.iter().enumerate() {
        start -= bytes + between;
        let cell = &mut page[start..start + bytes];
        cell.fill(b'c');
        // The length of the payload and the number of the row, of a byte each.
        cell[0] = u8::try_from(bytes - 2).unwrap();
        cell[1] = 1;
        put(&mut page, header + 8 + 2 * number, start);
    }
    page[header] = 13;
    put(&mut page, header + 1, 0);
    put(&mut page, header + 3, cells.len());
    put(&mut page, header + 5, start);
    page[header + 7] = u8::try_from(between * cells.len()).unwrap();
    page
}

/// The page with this cell made a free block that is followed by that at `next`.
fn freed(mut page: Vec<u8>, at: usize, bytes: usize, next: usize) -> Vec<u8> {
    page[at..at + bytes].fill(REMNANT);
    put(&mut page, at, next);
    put(&mut page, at + 2, bytes);
    page
}

fn put(page: &mut [u8], at: usize, number: usize) {
    page[at..at + 2].copy_from_slice(&u16::try_from(number).unwrap().to_be_bytes());
}

#[test]
fn what_is_between_the_pointers_and_the_cells_is_zeroed_and_nothing_else() {
    for header in [0, 100] {
        let page = leaf(header, &[40, 50], 0);
        let scrubbed_page = scrubbed(&page, header, BYTES).unwrap();
        let pointers = header + 8 + 4;
        assert_eq!(scrubbed_page[..pointers], page[..pointers]);
        assert!(scrubbed_page[pointers..BYTES - 90].iter().all(|byte| *byte == 0));
        assert_eq!(scrubbed_page[BYTES - 90..], page[BYTES - 90..]);
        assert_eq!(scrubbed(&scrubbed_page, header, BYTES), None, "once is enough");
    }
}

#[test]
fn a_free_block_keeps_its_header() {
    let whole = leaf(0, &[40, 50, 60, 70], 0);
    let (second, third) = (BYTES - 90, BYTES - 150);
    // The second and the third cell are free, and their pointers are gone.
    let mut page = freed(freed(whole, second, 50, 0), third, 60, second);
    let first = BYTES - 220;
    put(&mut page, 1, third);
    put(&mut page, 3, 2);
    put(&mut page, 10, first);
    let scrubbed = scrubbed(&page, 0, BYTES).unwrap();
    for (at, bytes) in [(third, 60), (second, 50)] {
        assert_eq!(scrubbed[at..at + 4], page[at..at + 4]);
        assert!(scrubbed[at + 4..at + bytes].iter().all(|byte| *byte == 0));
    }
    for (at, bytes) in [(first, 70), (BYTES - 40, 40)] {
        assert_eq!(scrubbed[at..at + bytes], page[at..at + bytes]);
    }
}

#[test]
fn what_is_between_cells_is_zeroed() {
    let scrubbed = scrubbed(&leaf(0, &[40, 50], 3), 0, BYTES).unwrap();
    assert_eq!(scrubbed[BYTES - 3..], [0; 3]);
    assert_eq!(scrubbed[BYTES - 46..BYTES - 43], [0; 3]);
    assert!(!scrubbed.contains(&REMNANT));
}

#[test]
fn bytes_that_are_not_sqlites_stay() {
    let usable = BYTES - 16;
    let mut page = leaf(0, &[40], 16);
    // What the last cell is followed by is no fragment, but the end.
    page[7] = 0;
    let scrubbed = scrubbed(&page, 0, usable).unwrap();
    assert_eq!(scrubbed[usable..], [REMNANT; 16]);
}

type Damage = fn(&mut Vec<u8>);

#[test]
fn a_page_that_does_not_add_up_is_left_alone() {
    let page = leaf(0, &[40, 50], 0);
    assert!(scrubbed(&page, 0, BYTES).is_some());
    let damages: [(&str, Damage); 12] = [
        ("another kind", |page| page[0] = 0),
        ("a kind with a longer header", |page| page[0] = 5),
        ("cells before the end of the pointers", |page| put(page, 5, 10)),
        ("cells beyond the page", |page| put(page, 5, BYTES + 1)),
        ("more cells than there are", |page| put(page, 3, 3)),
        ("fewer cells than there are", |page| put(page, 3, 1)),
        ("a cell twice", |page| put(page, 10, BYTES - 40)),
        ("a cell that begins in another", |page| put(page, 10, BYTES - 89)),
        ("a cell that is too long", |page| page[BYTES - 40] = 39),
        ("bytes between cells that are none", |page| page[7] = 1),
        ("a free block in a cell", |page| {
            put(page, 1, BYTES - 20);
            put(page, BYTES - 20, 0);
            put(page, BYTES - 18, 10);
        }),
        ("a free block before itself", |page| {
            put(page, 1, BYTES - 90);
            put(page, BYTES - 90, BYTES - 90);
        }),
    ];
    for (damage, make) in damages {
        let mut damaged = page.clone();
        make(&mut damaged);
        assert_eq!(scrubbed(&damaged, 0, BYTES), None, "{damage}");
    }
    assert_eq!(scrubbed(&page, 0, BYTES + 1), None);
    assert_eq!(scrubbed(&page[..400], 0, 400), None);
    assert_eq!(scrubbed(&[], 0, 0), None);
    assert_eq!(scrubbed(&vec![0; BYTES], 0, BYTES), None);
}

/// Every page of every kind, with payloads around the lengths at which they go on elsewhere.
#[test]
fn every_page_that_sqlite_makes_adds_up() {
    for page_bytes in [512, 4_096, 65_536] {
        let file = Connection::open_in_memory().unwrap();
        file.pragma_update(None, "page_size", i64::try_from(page_bytes).unwrap()).unwrap();
        // Else pages that are free are as they were.
        file.pragma_update(None, "secure_delete", "ON").unwrap();
        let tables = "
            CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT, bytes BLOB);
            CREATE INDEX rows_text ON rows (text);
            CREATE TABLE clustered (text TEXT PRIMARY KEY, bytes BLOB) WITHOUT ROWID;";
        file.execute_batch(tables).unwrap();
        let mut place = 7_usize;
        for number in 0..1_500_i64 {
            place = (place * 7_919 + 13) % 10_007;
            let text = format!("{place:05}{}", "t".repeat(place % (page_bytes / 3)));
            let bytes = vec![b'b'; if number % 50 == 0 { page_bytes + place } else { place % 90 }];
            let row = params![i64::try_from(place).unwrap() * 1_000_003, text, bytes];
            file.execute("INSERT OR REPLACE INTO rows VALUES (?1, ?2, ?3)", row).unwrap();
            let row = params![text, bytes];
            file.execute("INSERT OR REPLACE INTO clustered VALUES (?1, ?2)", row).unwrap();
        }
        file.execute_batch("DELETE FROM rows WHERE id % 3 = 0; DELETE FROM clustered WHERE rtrim(text, 't') % 3 = 0;").unwrap();
        let mut pages = file.prepare("SELECT pgno, data FROM sqlite_dbpage").unwrap();
        let pages = pages.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).unwrap();
        let pages: Vec<(i64, Vec<u8>)> = pages.map(|page| page.unwrap()).collect();
        let mut of_trees =
            file.prepare("SELECT pageno FROM dbstat WHERE pagetype <> 'overflow'").unwrap();
        let of_trees = of_trees.query_map([], |row| row.get(0)).unwrap();
        let of_trees: Vec<i64> = of_trees.map(|number| number.unwrap()).collect();
        assert!(of_trees.len() > 10);
        for (number, page) in &pages {
            let header = if *number == 1 { 100 } else { 0 };
            let adds_up = unused(page, header).is_some();
            assert_eq!(adds_up, of_trees.contains(number), "page {number} of {page_bytes} bytes");
        }
        // With anything there, the file is as good as before, and that is what is zeroed.
        for (number, page) in &pages {
            let header = if *number == 1 { 100 } else { 0 };
            let Some(ranges) = unused(page, header) else { continue };
            let mut full = page.clone();
            ranges.iter().for_each(|range| full[range.clone()].fill(REMNANT));
            let row = params![number, full];
            file.execute("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1", row).unwrap();
            let mut zeroed = page.clone();
            ranges.iter().for_each(|range| zeroed[range.clone()].fill(0));
            let has_room = ranges.iter().any(|range| !range.is_empty());
            assert_eq!(scrubbed(&full, header, full.len()), has_room.then_some(zeroed));
        }
        let check: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(
        mut page in prop::collection::vec(any::<u8>(), 0..1_200),
        kind in prop::sample::select(vec![2, 5, 10, 13]),
        header in prop::sample::select(vec![0, 100]),
        less in 0_usize..40,
    ) {
        if let Some(first) = page.get_mut(header) {
            *first = kind;
        }
        let usable = page.len().saturating_sub(less);
        if let Some(scrubbed) = scrubbed(&page, header, usable) {
            prop_assert_eq!(scrubbed.len(), page.len());
        }
    }

    #[test]
    fn a_page_with_a_few_odd_bytes_is_scrubbed_or_left_alone(
        changes in prop::collection::vec((0_usize..BYTES, any::<u8>()), 1..6),
    ) {
        let mut page = leaf(0, &[40, 50, 60], 1);
        for (at, byte) in changes {
            page[at] = byte;
        }
        if let Some(scrubbed) = scrubbed(&page, 0, BYTES) {
            let changed = page.iter().zip(&scrubbed).filter(|(before, after)| before != after);
            prop_assert!(changed.into_iter().all(|(_, after)| *after == 0));
        }
    }
}
