//! The processors of this instance's settings, as all instances are to know them.

use tracing::warn;
use trailkeep_event::{Arrival, StoreId, Timestamp};
use trailkeep_store::StoreError;
use trailkeep_store::processing::{Command, ProcessingStore, Processor, Wanted};
use uuid::Uuid;

/// A processor of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnProcessor {
    /// Its name.
    pub name: Box<str>,
    /// The types that it wants; none for all.
    pub types: Vec<Box<str>>,
    /// What was stored before, where a new one wants any of it.
    pub before: Option<Before>,
}

/// What a new processor wants of what is stored already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// From which number on.
    pub since: Arrival,
    /// The order by which whoever delivers reads it.
    pub order: Box<str>,
}

/// All of them, and from when on they want events.
#[derive(Debug, Clone)]
pub struct Registry {
    /// The processors.
    pub own: Vec<OwnProcessor>,
    /// A number below every one that this process gives out: whom nobody knew before
    /// wants what is numbered from there on.
    pub since: Arrival,
    /// When the process was started.
    pub now: Timestamp,
}

impl Registry {
    /// Adds those that are not known, and changes what the others want.
    pub(super) async fn add(&self, feeds: &dyn ProcessingStore) -> Result<(), StoreError> {
        if self.own.is_empty() {
            return Ok(());
        }
        let known = feeds.processors().await?;
        for own in &self.own {
            let found = known.iter().find(|processor| processor.name == own.name);
            let found = match found {
                Some(processor) => processor.clone(),
                None => {
                    // First, so that a crash in between leaves no processor without it.
                    if let Some(command) =
                        own.before.as_ref().map(|before| self.command(own, before))
                    {
                        feeds.add_command(&command).await?;
                    }
                    feeds.add_processor(&self.new_processor(own)).await?
                }
            };
            let wanted = wants(&found.wanted, &own.types, self.since);
            if wanted != found.wanted {
                warn!(
                    processor = &*own.name,
                    types = own.types.join(","),
                    "other types are wanted from now on; instances with other settings stand back"
                );
            }
            // Also where nothing changes: an instance with other settings that delivers
            // sees the new version, and lets this one go first. Where another instance
            // changes it in this moment, the later one counts: its own start compares again.
            feeds.change_wanted(&own.name, found.version, &wanted).await?;
            feeds.see_processor(&own.name, self.now).await?;
        }
        Ok(())
    }

    fn command(&self, own: &OwnProcessor, before: &Before) -> Command {
        // The same from each instance, and once more where the processor was removed.
        let id = StoreId::derive(&own.name, "what was stored before");
        Command {
            id: Uuid::from_bytes(*id.as_bytes()),
            processor: own.name.clone(),
            made_at: self.now,
            order: before.order.clone(),
            progress: None,
            answered_at: None,
            answer: None,
        }
    }

    fn new_processor(&self, own: &OwnProcessor) -> Processor {
        let since = own.before.as_ref().map_or(self.since, |before| before.since);
        Processor {
            name: own.name.clone(),
            secret: rand::random(),
            wanted: wants(&Wanted::default(), &own.types, since),
            version: 0,
            seen_at: self.now,
            lease: None,
        }
    }
}

/// What is wanted with these types, where that was wanted before: a type that was keeps
/// since when, and a new one is wanted from now on.
fn wants(before: &Wanted, types: &[Box<str>], since: Arrival) -> Wanted {
    if types.is_empty() {
        let types = before.types.clone();
        return Wanted { any: before.any.or(Some(since)), types };
    }
    let since_when = |kind: &str| {
        let earlier = before.types.get(kind).copied().into_iter().chain(before.any).min();
        earlier.unwrap_or(since)
    };
    let types = types.iter().map(|kind| (kind.clone(), since_when(kind)));
    Wanted { any: None, types: types.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(number: i64) -> Arrival {
        Arrival::from_i64(number)
    }

    fn of(any: Option<i64>, types: &[(&str, i64)]) -> Wanted {
        let types = types.iter().map(|(kind, since)| ((*kind).into(), arrival(*since)));
        Wanted { any: any.map(arrival), types: types.collect() }
    }

    fn types(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn a_type_that_was_wanted_before_keeps_since_when() {
        let before = of(None, &[("a", 1), ("b", 2)]);
        assert_eq!(
            wants(&before, &types(&["b", "c"]), arrival(9)),
            of(None, &[("b", 2), ("c", 9)])
        );
        assert_eq!(wants(&before, &[], arrival(9)), of(Some(9), &[("a", 1), ("b", 2)]));
    }

    #[test]
    fn who_wanted_every_type_wanted_each_of_them() {
        let before = of(Some(5), &[("a", 1)]);
        assert_eq!(
            wants(&before, &types(&["a", "b"]), arrival(9)),
            of(None, &[("a", 1), ("b", 5)])
        );
        assert_eq!(wants(&before, &[], arrival(9)), before);
    }
}
