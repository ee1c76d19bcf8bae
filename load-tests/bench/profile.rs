//! What the server says of its own work: which aggregations it ran, and by
//! which plan.

use bson::{Bson, Document, doc};
use futures_util::TryStreamExt as _;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::database::Database;

/// What of a command that ran makes it the same when it is explained.
const EXPLAINED: [&str; 5] = ["aggregate", "pipeline", "cursor", "hint", "allowDiskUse"];

/// Notes every command from now on.
pub async fn begin(database: &Database) -> Result<(), Trouble> {
    set_level(database, 2).await
}

/// Notes nothing more; gives the aggregations of events since the beginning.
pub async fn end(database: &Database) -> Result<Vec<Document>, Trouble> {
    set_level(database, 0).await?;
    let profile = database.handle().collection::<Document>("system.profile");
    let ran =
        profile.find(doc! { "command.aggregate": "events" }).await.during("reading the profile")?;
    let ran: Vec<Document> = ran.try_collect().await.during("reading the profile")?;
    profile.drop().await.during("dropping the profile")?;
    let commands = ran.into_iter().filter_map(|entry| entry.get_document("command").ok().cloned());
    Ok(commands.collect())
}

async fn set_level(database: &Database, level: i32) -> Result<(), Trouble> {
    let command = doc! { "profile": level };
    let set = database.handle().run_command(command).await;
    set.during("setting the profiler").map(drop)
}

/// How the server carries out an aggregation.
#[derive(Debug, PartialEq)]
pub struct Explained {
    /// Stages, indexes and counts, a line each.
    pub text: String,
    /// Documents that were read for it.
    pub documents: i64,
}

/// Has the server carry out an aggregation that it ran before, and explain how.
pub async fn explain(database: &Database, ran: &Document) -> Result<Explained, Trouble> {
    let command: Document = EXPLAINED
        .iter()
        .filter_map(|&name| Some((name.to_owned(), ran.get(name)?.clone())))
        .collect();
    let explain = doc! { "explain": command, "verbosity": "executionStats" };
    let answer = database.handle().run_command(explain).await;
    let answer = answer.during("explaining an aggregation")?;
    read(&answer).ok_or_else(|| Trouble(format!("an aggregation was explained so: {answer}")))
}

/// A pipeline of which the engine runs all is explained without stages.
fn read(answer: &Document) -> Option<Explained> {
    let stages: Vec<&Document> = answer
        .get_array("stages")
        .map(|stages| stages.iter().filter_map(Bson::as_document).collect())
        .unwrap_or_default();
    let cursor =
        stages.first().and_then(|stage| stage.get_document("$cursor").ok()).unwrap_or(answer);
    let (mut text, documents) = read_cursor(cursor)?;
    for stage in stages.iter().skip(1) {
        text.push_str(&format!("{}\n", line_of(stage)));
        let branches = stage.get_document("$facet").into_iter().flatten();
        for (name, branch) in branches {
            let branch = branch.as_array()?.iter().filter_map(Bson::as_document);
            let branch: Vec<String> = branch.map(line_of).collect();
            text.push_str(&format!("  {name}: {}\n", branch.join(" -> ")));
        }
    }
    Some(Explained { text, documents })
}

/// What reads the collection, the last step first.
fn read_cursor(cursor: &Document) -> Option<(String, i64)> {
    let plan = cursor.get_document("queryPlanner").ok()?;
    let plan = plan.get_document("winningPlan").ok()?;
    let mut step = Some(plan.get_document("queryPlan").unwrap_or(plan));
    let mut text = String::new();
    while let Some(stage) = step {
        text.push_str(stage.get_str("stage").ok()?);
        if let (Ok(name), Ok(keys)) = (stage.get_str("indexName"), stage.get_document("keyPattern"))
        {
            text.push_str(&format!(" of the index {name} {keys}"));
        }
        text.push('\n');
        step = stage.get_document("inputStage").ok();
    }
    let ran = cursor.get_document("executionStats").ok()?;
    let documents = number(ran, "totalDocsExamined")?;
    text.push_str(&format!(
        "keys examined {}, documents examined {documents}, returned {}\n",
        number(ran, "totalKeysExamined")?,
        number(ran, "nReturned")?,
    ));
    Some((text, documents))
}

/// A stage's name, what it gave, and by when it was done.
fn line_of(stage: &Document) -> String {
    let name = stage.keys().next().map_or("", String::as_str);
    let returned = number(stage, "nReturned").unwrap_or_default();
    let millis = number(stage, "executionTimeMillisEstimate").unwrap_or_default();
    let disk = stage.get_bool("usedDisk").unwrap_or_default();
    let disk = if disk { ", on disk" } else { "" };
    format!("{name} {returned} ({millis} ms{disk})")
}

/// The server counts in the smallest type that holds the number.
fn number(document: &Document, name: &str) -> Option<i64> {
    match document.get(name)? {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_told_from_the_index_to_each_branch() {
        let answer = doc! { "stages": [
            { "$cursor": {
                "queryPlanner": { "winningPlan": {
                    "stage": "PROJECTION_COVERED",
                    "inputStage": {
                        "stage": "IXSCAN", "indexName": "account",
                        "keyPattern": { "accountId": 1 },
                    },
                } },
                "executionStats": {
                    "nReturned": 7, "totalKeysExamined": 8_i64, "totalDocsExamined": 0,
                },
            }, "nReturned": 7_i64 },
            { "$facet": {
                "types": [
                    { "$teeConsumer": {}, "nReturned": 7_i64, "executionTimeMillisEstimate": 1 },
                    { "$group": {}, "usedDisk": true, "nReturned": 2_i64 },
                ],
            }, "nReturned": 1_i64, "executionTimeMillisEstimate": 3 },
        ] };
        let expected = "PROJECTION_COVERED\n\
            IXSCAN of the index account { \"accountId\": 1 }\n\
            keys examined 8, documents examined 0, returned 7\n\
            $facet 1 (3 ms)\n  \
            types: $teeConsumer 7 (1 ms) -> $group 2 (0 ms, on disk)\n";
        let explained = read(&answer).unwrap();
        assert_eq!(explained.text, expected);
        assert_eq!(explained.documents, 0);
    }
}
