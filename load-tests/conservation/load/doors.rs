//! Where batches are posted to: one instance of the service, or one of two, as behind a
//! balancer that keeps nobody to one of them.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::oracle::{Answer, Disk};

/// All instances.
pub struct Doors {
    doors: Vec<Door>,
    next_disk: AtomicU32,
}

struct Door {
    url: String,
    disk: AtomicU32,
}

impl Doors {
    /// Those at these addresses, each with a disk of its own.
    pub fn at(urls: impl IntoIterator<Item = String>) -> Self {
        let doors: Vec<Door> =
            (0..).zip(urls).map(|(disk, url)| Door { url, disk: AtomicU32::new(disk) }).collect();
        let next_disk = AtomicU32::new(doors.len() as Disk);
        Self { doors, next_disk }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.doors.len()
    }

    /// The address of one.
    pub fn url(&self, number: usize) -> &str {
        &self.doors[number].url
    }

    /// What keeps the events that it takes now.
    pub fn disk(&self, number: usize) -> Disk {
        self.doors[number].disk.load(Ordering::SeqCst)
    }

    /// Notes that one has another disk from now on, while nobody listens there; answers
    /// which one it had.
    pub fn replace_disk(&self, number: usize) -> Disk {
        let next = self.next_disk.fetch_add(1, Ordering::SeqCst);
        self.doors[number].disk.swap(next, Ordering::SeqCst)
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Answered(Answer),
    /// Nobody listened: nothing was sent.
    NotSent,
}

/// What several replies to the same events come to: what promises most, and of what
/// promises nothing, what excludes least.
pub fn both(replies: [Reply; 2]) -> Reply {
    let all = [Answer::Accepted, Answer::None, Answer::Refused].map(Reply::Answered);
    all.into_iter().find(|reply| replies.contains(reply)).unwrap_or(Reply::NotSent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_of_two_accepted_is_accepted_and_what_one_may_have_is_not_refused() {
        let [accepted, none, refused] =
            [Answer::Accepted, Answer::None, Answer::Refused].map(Reply::Answered);
        assert_eq!(both([refused, accepted]), accepted);
        assert_eq!(both([none, Reply::NotSent]), none);
        assert_eq!(both([refused, none]), none);
        assert_eq!(both([Reply::NotSent, refused]), refused);
        assert_eq!(both([Reply::NotSent, Reply::NotSent]), Reply::NotSent);
    }

    #[test]
    fn a_replaced_disk_is_none_that_was_there_before() {
        let doors = Doors::at(["a".to_owned(), "b".to_owned()]);
        assert_eq!((doors.disk(0), doors.disk(1)), (0, 1));
        assert_eq!(doors.replace_disk(0), 0);
        assert_eq!(doors.replace_disk(0), 2);
        assert_eq!((doors.disk(0), doors.disk(1)), (3, 1));
    }
}
