//! Users who are erased while they send.

use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::moment::a_moment;
use crate::load::Load;
use crate::oracle::Span;
use crate::reader::Reader;
use crate::scene::Scene;

/// How long an erasure may take when nothing is wrong any more.
const LIMIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// Has three users erased, one after the other or at once, and kills the service in the middle
/// of it, mostly.
pub async fn erase(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    let mut receipts = Vec::new();
    for _ in 0..3 {
        a_moment(scene, 0..400, rng).await;
        receipts.push(ask(scene, rng).await?);
        if rng.random_bool(0.7) {
            a_moment(scene, 0..1_500, rng).await;
            scene.kill_service().await?;
            scene.start().await?;
        }
        load.wait_for_more(100).await?;
    }
    for receipt in receipts {
        wait_until_done(scene.reader()?, &receipt).await?;
    }
    load.wait_for_more(100).await
}

/// Has a user erased; answers where its receipt is.
async fn ask(scene: &Scene, rng: &mut StdRng) -> Result<String, Trouble> {
    let user = scene.a_user(rng);
    let began = Instant::now();
    let request = || {
        let body = json!({ "confirm": user });
        scene
            .reader()
            .map(|reader| reader.ask(Method::DELETE, &format!("/users/{user}")).json(&body))
    };
    loop {
        if let Ok(answer) = request()?.send().await
            && answer.status().as_u16() == 202
        {
            let asked: Value = answer.json().await.during("asking for an erasure")?;
            scene.oracle.note_erased(user, Span::since(began));
            let id = asked["erasureId"].as_str().unwrap_or_default();
            return Ok(format!("/api/erasures/{id}"));
        }
        if began.elapsed() > LIMIT {
            return Err(Trouble(format!("nobody is erased within {LIMIT:?}")));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn wait_until_done(reader: &Reader, receipt: &str) -> Result<(), Trouble> {
    let began = Instant::now();
    loop {
        let answer = reader.ask(Method::GET, receipt).send().await.during("a receipt")?;
        let told: Value = answer.json().await.during("a receipt")?;
        if told["state"] == "done" {
            return Ok(());
        }
        if began.elapsed() > LIMIT {
            return Err(Trouble(format!("an erasure is not done within {LIMIT:?}: {told}")));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
