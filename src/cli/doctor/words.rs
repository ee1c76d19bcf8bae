//! Numbers as people read them.

/// Bytes in the largest unit of which there is at least one.
#[allow(clippy::cast_precision_loss)] // one decimal is shown
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} bytes"),
    }
}

/// A count and what is counted.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::{count, size};

    #[test]
    fn sizes_and_counts_are_read_at_a_glance() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(16 << 20), "16.0 MiB");
        assert_eq!(size(5 << 29), "2.5 GiB");
        assert_eq!(count(1, "event", "events"), "1 event");
        assert_eq!(count(0, "event", "events"), "0 events");
    }
}
