use super::{entry, process};
use crate::{DocumentId, Entry, Process, Reader};

fn id(process: Process, number: u64) -> DocumentId {
    DocumentId { process, number }
}

fn round(reader: &mut Reader, feed: &[(DocumentId, Vec<Entry>)]) {
    reader.begin();
    let mut lowest: Vec<DocumentId> = Vec::new();
    for (id, _) in feed {
        if lowest.iter().all(|other| other.process != id.process) {
            lowest.push(*id);
        }
    }
    reader.listed(lowest);
    for from in reader.wanted().collect::<Vec<_>>() {
        let of_process = feed.iter().filter(|(id, _)| id.process == from.process);
        let found = of_process.filter(|(id, _)| id.number >= from.number).cloned();
        reader.found(from.process, found);
    }
    reader.confirm();
}

#[test]
fn a_document_is_taken_after_a_round_that_began_when_it_was_read() {
    let feed = [(id(process(1), 4), vec![entry(1)]), (id(process(1), 5), vec![entry(2)])];
    let mut reader = Reader::new();
    round(&mut reader, &feed);
    assert_eq!(reader.take(), None);
    round(&mut reader, &feed);
    assert_eq!(reader.take(), Some(feed[0].clone()));
    let handed_on = [0, 1].map(|place: usize| reader.has_handed_on(feed[place].0));
    assert_eq!(handed_on, [true, false]);
    assert_eq!(reader.take(), Some(feed[1].clone()));
    assert_eq!(reader.take(), None);
    round(&mut reader, &feed);
    round(&mut reader, &feed);
    assert_eq!(reader.take(), None, "each is taken once");
}

#[test]
fn of_several_processes_the_lowest_arrival_comes_first() {
    let later = (id(process(1), 1), vec![entry(9)]);
    let earlier = (id(process(2), 3), vec![entry(5)]);
    let mut reader = Reader::new();
    round(&mut reader, std::slice::from_ref(&later));
    // Found before the later one may be taken.
    let feed = [later.clone(), earlier.clone()];
    round(&mut reader, &feed);
    assert_eq!(reader.take(), None);
    round(&mut reader, &feed);
    assert_eq!(reader.take(), Some(earlier));
    assert_eq!(reader.take(), None, "what follows it is not known");
    round(&mut reader, &feed);
    assert_eq!(reader.take(), Some(later));
}

#[test]
fn nothing_is_taken_unless_the_lease_was_looked_at_after_the_round() {
    let feed = [(id(process(1), 1), vec![entry(1)])];
    let mut reader = Reader::new();
    round(&mut reader, &feed);
    reader.begin();
    reader.confirm();
    assert_eq!(reader.take(), None, "the round was not complete");
    reader.listed([feed[0].0]);
    assert_eq!(reader.take(), None);
    reader.confirm();
    assert_eq!(reader.take(), Some(feed[0].clone()));
}
