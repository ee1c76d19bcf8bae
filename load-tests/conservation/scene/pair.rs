//! What a scene does with two instances of the service on one database.

use std::time::{Duration, Instant};

use trailkeep_testkit::trouble::Trouble;

use super::Scene;
use crate::processors::disruptions::Cause;

/// How long it may take until somebody else delivers: a lease ends after ten seconds, and
/// is looked at every two.
const TAKEOVER_LIMIT: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(50);

impl Scene {
    /// Which instance delivers, as far as they say. None may be asked that stands still.
    pub async fn in_charge(&self) -> Result<Option<usize>, Trouble> {
        for (number, instance) in self.instances.iter().enumerate() {
            if instance.is_running() && self.delivers(number).await? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Waits until this instance delivers.
    pub async fn wait_until_in_charge(&self, number: usize) -> Result<(), Trouble> {
        let deadline = Instant::now() + TAKEOVER_LIMIT;
        while !self.delivers(number).await? {
            if Instant::now() > deadline {
                return Err(Trouble(format!("nobody else delivers after {TAKEOVER_LIMIT:?}")));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn delivers(&self, number: usize) -> Result<bool, Trouble> {
        self.reader()?.delivers(&self.instances[number].url()).await
    }

    /// Kills an instance. It is down until it is ready again.
    pub async fn kill_instance(&mut self, number: usize) -> Result<(), Trouble> {
        let may_deliver = self.in_charge().await? != Some(1 - number);
        self.disruptions.begin(Cause::Service);
        self.instances[number].take_service()?.kill().await?;
        if may_deliver {
            self.free_lease().await;
        }
        Ok(())
    }

    /// Starts an instance that is down, and waits until it is ready.
    pub async fn start_instance(&mut self, number: usize) -> Result<(), Trouble> {
        self.instances[number].start(&self.http).await?;
        self.disruptions.end(Cause::Service);
        Ok(())
    }

    /// Has an instance stand still.
    pub async fn pause_instance(&mut self, number: usize) -> Result<(), Trouble> {
        self.disruptions.begin(Cause::Pause);
        self.instances[number].service()?.signal("STOP")
    }

    /// Has it go on, and waits until it is ready.
    pub async fn resume_instance(&mut self, number: usize) -> Result<(), Trouble> {
        self.instances[number].service()?.signal("CONT")?;
        self.disruptions.end(Cause::Pause);
        self.instances[number].wait_until_ready(&self.http).await
    }

    /// Takes the disk of an instance that is down away. What that alone had, of what was
    /// noted from this batch on, may be gone.
    pub fn lose_disk(&mut self, number: usize, from: usize) -> Result<(), Trouble> {
        let disk = self.doors.replace_disk(number);
        self.oracle.note_lost(disk, from);
        self.instances[number].lose_disk(&self.home.path().join(format!("lost-{disk}")))
    }
}
