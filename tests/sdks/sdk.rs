//! An SDK in a program of its own.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use trailkeep_testkit::eventually::eventually;
use trailkeep_testkit::tools::{leave_out, on_path};

use crate::packages;

/// Enough for an SDK to give up all its tries, so that a failure shows what it says.
const PATIENCE: Duration = Duration::from_secs(180);

/// An SDK, by its name and what runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    SegmentPython,
    SegmentNode,
    PosthogPython,
    PosthogNode,
}

pub const ALL: [Sdk; 4] =
    [Sdk::SegmentPython, Sdk::SegmentNode, Sdk::PosthogPython, Sdk::PosthogNode];

/// Whether the SDKs can be run; says so where not.
pub fn can_be_run() -> bool {
    let missing = ["node", "npm", "python3"].into_iter().find(|name| on_path(name).is_none());
    if let Some(missing) = missing {
        let how = format!("There is no {missing} on the PATH: apt-get install nodejs npm python3");
        leave_out("the tests with SDKs", &how);
    }
    missing.is_none()
}

/// A running one. Dropping it ends it.
pub struct Running {
    sdk: Sdk,
    child: Child,
    /// What it writes, and what it complains of.
    said: Option<[File; 2]>,
}

impl Sdk {
    /// The user whose journey it makes.
    pub fn user(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    pub fn is_segment(self) -> bool {
        matches!(self, Self::SegmentPython | Self::SegmentNode)
    }

    /// Starts to track so many events.
    pub fn track(self, host: &str, key: &str, count: usize) -> Running {
        let (mut command, script) = match self {
            Self::SegmentPython => (python(), include_str!("python/segment_sdk.py")),
            Self::PosthogPython => (python(), include_str!("python/posthog_sdk.py")),
            Self::SegmentNode => (node(), include_str!("node/segment.mjs")),
            Self::PosthogNode => (node(), include_str!("node/posthog.mjs")),
        };
        command.args(["-", host, key, &self.user(), &count.to_string()]);
        // None of whoever runs these tests.
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        let said = [(); 2].map(|()| tempfile::tempfile().expect("a temporary file"));
        let [out, err] = said.each_ref().map(|file| file.try_clone().expect("a file"));
        command.stdin(Stdio::piped()).stdout(out).stderr(err);
        let mut child = command.spawn().expect("the program that runs the SDK");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(script.as_bytes()).expect("a program that reads");
        Running { sdk: self, child, said: Some(said) }
    }
}

fn python() -> Command {
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", packages::of_python()).env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

fn node() -> Command {
    let mut node = Command::new("node");
    node.arg("--input-type=module").current_dir(packages::of_node());
    node
}

impl Running {
    /// Waits until it has ended, and gives the errors that it told of.
    pub async fn errors(mut self) -> Vec<String> {
        let what = format!("{:?} ends", self.sdk);
        eventually(&what, PATIENCE, || std::future::ready(self.child.try_wait().expect("a child")))
            .await;
        let status = self.child.wait().expect("a child");
        let [out, err] = self.said.take().expect("not read before").map(written);
        assert!(status.success(), "{:?} ended with {status}: {out}{err}", self.sdk);
        let told = out.lines().last().unwrap_or_default();
        serde_json::from_str(told).unwrap_or_else(|_| panic!("{:?} said: {out}{err}", self.sdk))
    }
}

/// All that it wrote to a file, which never keeps it waiting as a pipe would.
fn written(mut file: File) -> String {
    let mut text = String::new();
    file.rewind().expect("a file");
    file.read_to_string(&mut text).expect("its words");
    text
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
