//! Which events a peer has kept, read past it.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bson::raw::RawDocumentBuf;
use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use serde_json::Value;
use trailkeep_testkit::trouble::{Trouble, While as _};

/// How long nothing must have come before all has.
const QUIET: Duration = Duration::from_secs(3);
const SETTLE_LIMIT: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where they are.
pub enum Kept {
    Database(Collection<RawDocumentBuf>),
    /// A line a request.
    File(PathBuf),
}

impl Kept {
    /// How many there are, where each request had so many.
    pub async fn count(&self, batch: usize) -> Result<u64, Trouble> {
        match self {
            Self::Database(events) => {
                events.estimated_document_count().await.during("counting what is stored")
            }
            Self::File(path) => Ok(lines(path)? * batch as u64),
        }
    }

    /// Waits until no more come.
    pub async fn settle(&self) -> Result<(), Trouble> {
        let began = Instant::now();
        let (mut last, mut since) = (self.count(1).await?, Instant::now());
        while since.elapsed() < QUIET {
            if began.elapsed() > SETTLE_LIMIT {
                return Err(Trouble(format!("more is stored after {SETTLE_LIMIT:?}")));
            }
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.count(1).await?;
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
        Ok(())
    }

    /// How often each event is there, by its id.
    pub async fn ids(&self) -> Result<HashMap<String, u64>, Trouble> {
        let ids = match self {
            Self::Database(events) => in_database(events).await?,
            Self::File(path) => in_file(&fs::read_to_string(path).unwrap_or_default()),
        };
        let mut times = HashMap::new();
        for id in ids {
            *times.entry(id).or_default() += 1;
        }
        Ok(times)
    }
}

/// The peers' documents are named by their events.
async fn in_database(events: &Collection<RawDocumentBuf>) -> Result<Vec<String>, Trouble> {
    let doing = "reading what is stored";
    let events = events.clone_with_type::<Document>();
    let found = events.find(doc! {}).projection(doc! { "eventId": 1 }).await.during(doing)?;
    let found: Vec<Document> = found.try_collect().await.during(doing)?;
    let id = |document: &Document| {
        let id = document.get_str("eventId").or_else(|_| document.get_str("_id"));
        id.map(str::to_owned).during(doing)
    };
    found.iter().map(id).collect()
}

/// A line that was cut by a crash is none.
fn in_file(text: &str) -> Vec<String> {
    let bodies = text.lines().filter_map(|line| serde_json::from_str::<Vec<Value>>(line).ok());
    bodies.flatten().filter_map(|event| Some(event["eventId"].as_str()?.to_owned())).collect()
}

/// All lines are as long as the first.
fn lines(path: &PathBuf) -> Result<u64, Trouble> {
    let Ok(mut file) = fs::File::open(path) else { return Ok(0) };
    let length = file.metadata().during("the file of bodies")?.len();
    let mut buffer = vec![0; 256 * 1024];
    let mut first = Vec::new();
    loop {
        let read = file.read(&mut buffer).during("the file of bodies")?;
        let end = buffer[..read].iter().position(|&byte| byte == b'\n');
        first.extend_from_slice(&buffer[..end.map_or(read, |end| end + 1)]);
        if end.is_some() {
            return Ok(length / first.len() as u64);
        }
        if read == 0 {
            return Ok(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_has_no_events() {
        let text = "[{\"eventId\":\"a\"},{\"eventId\":\"b\"}]\n[{\"eventId\":\"c\"},{\"eve";
        assert_eq!(in_file(text), ["a", "b"]);
    }

    #[test]
    fn lines_are_counted_by_the_length_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bodies");
        assert_eq!(lines(&path).unwrap(), 0);
        fs::write(&path, "abc\nabc\nab").unwrap();
        assert_eq!(lines(&path).unwrap(), 2);
        fs::write(&path, "ab").unwrap();
        assert_eq!(lines(&path).unwrap(), 0);
    }
}
