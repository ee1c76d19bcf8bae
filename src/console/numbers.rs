//! Numbers as a person reads them. Pure.

use std::fmt::Display;

/// `81,220`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 event`, `81,220 events`.
pub fn counted(number: u64, one: impl Display, more: impl Display) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{} {more}", thousands(number)),
    }
}

/// A measured number: `188`, `12,400`, and of a small one a digit more: `0.1`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // no less than 0
pub fn figure(number: f64) -> String {
    let number = number.max(0.0);
    let tenths = (number * 10.0).round();
    match number {
        ..0.05 if number > 0.0 => "under 0.1".to_owned(),
        ..10.0 if tenths % 10.0 > 0.0 => format!("{:.1}", tenths / 10.0),
        _ => thousands(number.round() as u64),
    }
}

/// The same in the least space, for the axis of a chart: `800k`, `1.5M`, `0.25`.
pub fn short(number: f64) -> String {
    let trimmed = |number: f64| format!("{}", (number * 100.0).round() / 100.0);
    match number {
        1e9.. => trimmed(number / 1e9) + "G",
        1e6.. => trimmed(number / 1e6) + "M",
        1e3.. => trimmed(number / 1e3) + "k",
        _ => trimmed(number),
    }
}

/// Bytes of a memory or a disk: `16 MiB`, `1.5 GiB`.
#[allow(clippy::cast_precision_loss)] // one digit behind the point is told
pub fn bytes(bytes: u64) -> String {
    let mut amount = bytes as f64;
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
        if amount < 1000.0 {
            return format!("{} {unit}", figure(amount));
        }
        amount /= 1024.0;
    }
    format!("{} TiB", figure(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_threes() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (81_220, "81,220"),
            (123_456, "123,456"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(thousands(number), text);
        }
        assert_eq!(counted(1, "event", "events"), "1 event");
        assert_eq!(counted(0, "event", "events"), "0 events");
        assert_eq!(counted(2000, "event", "events"), "2,000 events");
    }

    #[test]
    fn small_numbers_have_a_digit_more() {
        for (number, text) in [
            (0.0, "0"),
            (-1.0, "0"),
            (0.01, "under 0.1"),
            (0.06, "0.1"),
            (3.0, "3"),
            (3.04, "3"),
            (3.46, "3.5"),
            (9.99, "10"),
            (188.4, "188"),
            (12_400.0, "12,400"),
        ] {
            assert_eq!(figure(number), text, "{number}");
        }
    }

    #[test]
    fn an_axis_has_no_long_numbers() {
        for (number, text) in [
            (0.0, "0"),
            (0.25, "0.25"),
            (60.0, "60"),
            (1500.0, "1.5k"),
            (800_000.0, "800k"),
            (2_500_000.0, "2.5M"),
            (4e9, "4G"),
        ] {
            assert_eq!(short(number), text, "{number}");
        }
    }

    #[test]
    fn bytes_have_the_unit_that_says_most() {
        for (number, text) in [
            (0, "0 bytes"),
            (512, "512 bytes"),
            (16 << 20, "16 MiB"),
            (1536 << 20, "1.5 GiB"),
            (u64::MAX, "16,777,216 TiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }
}
