//! How much memory the process has.

use std::fs;

use serde::Serialize;
use utoipa::ToSchema;

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
    fs::read_to_string("/proc/self/status").map(|status| parse(&status)).unwrap_or_default()
}

fn parse(status: &str) -> Memory {
    let bytes = |field: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
            .and_then(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok())
            .map_or(0, |kilobytes| kilobytes * 1024)
    };
    Memory { rss: bytes("VmRSS"), heap_total: bytes("VmData"), heap_used: bytes("RssAnon") }
}

#[cfg(test)]
mod tests {
    use super::{Memory, parse};

    #[test]
    fn the_kernels_kilobytes_become_bytes() {
        let status =
            "Name:\ttrailkeep\nVmRSS:\t    2048 kB\nRssAnon:\t 1024 kB\nVmData:\t 4096 kB\n";
        let memory = Memory { rss: 2 << 20, heap_total: 4 << 20, heap_used: 1 << 20 };
        assert_eq!(parse(status), memory);
    }

    #[test]
    fn what_the_kernel_does_not_say_is_zero() {
        assert_eq!(parse("VmRSS: many\n"), Memory::default());
    }
}
