//! How much memory the process has, and that it gives back what it does not use.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::{env, fs};

use serde::Serialize;
use utoipa::ToSchema;

/// What says how many milliseconds the allocator keeps a page that is free.
const PURGE_DELAY: &str = "MIMALLOC_PURGE_DELAY";

/// Has the allocator give free pages back to the system at once, unless the
/// environment says otherwise. By default it does so a little later, with the next
/// page that becomes free nearby; after a burst there is none, and what thousands
/// of connections took stays.
///
/// The allocator looks at its environment as the process starts, before any of
/// our code: so the process starts once more in its own place, as the same
/// process. Where it cannot, it goes on as it is.
pub fn give_back_at_once() {
    if env::var_os(PURGE_DELAY).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // Comes back only with an error.
    let error = command.args(arguments).env(PURGE_DELAY, "0").exec();
    tracing::debug!(%error, "the allocator keeps its defaults");
}

/// Memory of the process in bytes, as the kernel counts it
/// (`/proc/self/status`, see proc(5)); zeros where there is no such file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Resident in all (`VmRSS`).
    pub rss: u64,
    /// Mapped for data, used or not (`VmData`).
    pub heap_total: u64,
    /// Resident and not backed by a file (`RssAnon`).
    pub heap_used: u64,
}

/// What the process has now.
pub fn usage() -> Memory {
    fs::read_to_string("/proc/self/status")
        .map(|status| parse(&status))
        .unwrap_or_default()
}

fn parse(status: &str) -> Memory {
    let bytes = |field: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
            .and_then(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok())
            .map_or(0, |kilobytes| kilobytes * 1024)
    };
    Memory {
        rss: bytes("VmRSS"),
        heap_total: bytes("VmData"),
        heap_used: bytes("RssAnon"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, parse};

    #[test]
    fn the_kernels_kilobytes_become_bytes() {
        let status =
            "Name:\ttrailkeep\nVmRSS:\t    2048 kB\nRssAnon:\t 1024 kB\nVmData:\t 4096 kB\n";
        let memory = Memory {
            rss: 2 << 20,
            heap_total: 4 << 20,
            heap_used: 1 << 20,
        };
        assert_eq!(parse(status), memory);
    }

    #[test]
    fn what_the_kernel_does_not_say_is_zero() {
        assert_eq!(parse("VmRSS: many\n"), Memory::default());
    }
}
