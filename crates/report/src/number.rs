//! Numbers, times and money as a person reads them. Nothing here prints `NaN` or `inf`.

use proofhouse_core::{Interval, Measurement, Timestamp, Unit};

/// What is written where a number is missing or not finite.
pub const MISSING: &str = "not measured";

/// A count with thousands separators: `12,345`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A count and its noun: `1 threat`, `2 threats`.
pub fn counted(n: usize, singular: &str, plural: &str) -> String {
    format!("{} {}", count(n as u64), if n == 1 { singular } else { plural })
}

/// A share as per cent. Never rounds to 0 or 100 what is neither: `0.004` of a per cent is `< 0.01%`.
pub fn percent(share: f64) -> String {
    let p = share * 100.0;
    if !p.is_finite() {
        return MISSING.to_owned();
    }
    let edge = |x: f64| x.abs() < 1e-12;
    if edge(p) {
        "0%".to_owned()
    } else if edge(p - 100.0) {
        "100%".to_owned()
    } else if p > 0.0 && p < 0.01 {
        "< 0.01%".to_owned()
    } else if p > 99.99 && p < 100.0 {
        "> 99.99%".to_owned()
    } else if p.abs() > 1e6 {
        format!("{}%", rounded(p, 3))
    } else if p.abs() < 1.0 || (p > 99.9 && p < 100.0) {
        format!("{p:.2}%")
    } else {
        format!("{p:.1}%")
    }
}

/// A number to about `significant` digits with thousands separators.
pub fn rounded(value: f64, significant: i32) -> String {
    if !value.is_finite() {
        return MISSING.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if !(-6..=15).contains(&magnitude) {
        let decimals = usize::try_from(significant - 1).unwrap_or(0);
        return format!("{value:.decimals$e}");
    }
    let decimals = usize::try_from(significant - 1 - magnitude).unwrap_or(0);
    let scale = 10f64.powi(significant - 1 - magnitude);
    let whole = (value * scale).round() / scale;
    let text = format!("{:.decimals$}", whole.abs());
    let (integer, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    if whole < 0.0 {
        out.push('−');
    }
    out.push_str(&integer.parse().map_or_else(|_| integer.to_owned(), count));
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Money, to three significant digits: a simulated loss has no more.
pub fn money(value: f64, currency: &str) -> String {
    if value.is_finite() { format!("{currency} {}", rounded(value, 3)) } else { MISSING.to_owned() }
}

/// A number on an axis: `200`, `5 k`, `1.5 M`.
pub fn axis(value: f64) -> String {
    if !value.is_finite() {
        return String::new();
    }
    let size = value.abs();
    let (scaled, suffix) = match size {
        s if s >= 1e12 => return power(value),
        s if s >= 1e9 => (value / 1e9, " bn"),
        s if s >= 1e6 => (value / 1e6, " M"),
        s if s >= 1e4 => (value / 1e3, " k"),
        s if s > 0.0 && s < 1e-4 => return power(value),
        _ => (value, ""),
    };
    format!("{}{suffix}", rounded(scaled, 3))
}

fn power(value: f64) -> String {
    let exponent = value.abs().log10().floor() as i32;
    let lead = value / 10f64.powi(exponent);
    let mut out = if (lead - 1.0).abs() < 1e-9 { String::new() } else { format!("{}×", rounded(lead, 2)) };
    out.push_str("10");
    for c in exponent.to_string().chars() {
        out.push(match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            d => char::from_u32('⁰' as u32 + d.to_digit(10).unwrap_or(0)).unwrap_or('⁰'),
        });
    }
    out
}

/// A value in its unit.
pub fn in_unit(value: f64, unit: &Unit) -> String {
    if !value.is_finite() {
        return MISSING.to_owned();
    }
    match unit {
        Unit::Ratio => percent(value),
        Unit::Count => rounded(value, 15),
        Unit::Milliseconds => format!("{} ms", rounded(value, 3)),
        Unit::Bytes => bytes(value),
        Unit::Money(currency) => money(value, currency),
        _ => rounded(value, 4),
    }
}

fn bytes(value: f64) -> String {
    let steps = [(1024f64.powi(3), "GiB"), (1024f64.powi(2), "MiB"), (1024.0, "KiB")];
    match steps.iter().find(|(size, _)| value.abs() >= *size) {
        Some((size, name)) => format!("{} {name}", rounded(value / size, 3)),
        None => format!("{} bytes", rounded(value, 4)),
    }
}

/// An interval in the unit of its measurement: `95.6% to 98.3%`.
pub fn interval(i: &Interval, unit: &Unit) -> String {
    format!("{} to {}", in_unit(i.low, unit), in_unit(i.high, unit))
}

/// The name of a measurement with its slice, in words.
pub fn measured_name(m: &Measurement) -> String {
    let name = m.name.replace(['_', '-'], " ");
    m.slice.as_ref().map_or_else(|| name.clone(), |slice| format!("{name}, {slice}"))
}

/// `23 Nov 2026, 05:13:07 UTC`.
pub fn moment(t: Timestamp) -> String {
    format!("{}, {} UTC", date(t), clock(t))
}

/// `23 Nov 2026`.
pub fn date(t: Timestamp) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = t.to_string();
    let part = |range| text.get(range).unwrap_or_default();
    let month = part(5..7).parse().ok().and_then(|m: usize| MONTHS.get(m.wrapping_sub(1))).unwrap_or(&"");
    format!("{} {month} {}", part(8..10).trim_start_matches('0'), part(0..4))
}

/// `05:13:07`.
pub fn clock(t: Timestamp) -> String {
    t.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// A length of time in its two largest units: `850 ms`, `1 min 20 s`, `2 d 3 h`.
pub fn duration(ms: i64) -> String {
    let ms = ms.max(0);
    let (s, m, h, d) = (ms / 1000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    let two = |big: i64, big_name: &str, small: i64, small_name: &str| {
        if small == 0 {
            format!("{big} {big_name}")
        } else {
            format!("{big} {big_name} {small} {small_name}")
        }
    };
    if ms < 1000 {
        format!("{ms} ms")
    } else if s < 60 {
        format!("{} s", rounded(ms as f64 / 1000.0, 2))
    } else if m < 60 {
        two(m, "min", s % 60, "s")
    } else if h < 24 {
        two(h, "h", m % 60, "min")
    } else {
        two(d, "d", h % 24, "h")
    }
}

/// At most `limit` characters of a text that may come from a hostile file.
pub fn clip(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => {
            let more = text.chars().count() - limit;
            format!("{}… ({} more characters)", &text[..end], count(more as u64))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_money_have_separators() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(money(1_253_456.0, "EUR"), "EUR 1,250,000");
        assert_eq!(money(-96_400.0, "EUR"), "EUR −96,400");
        assert_eq!(counted(1, "threat", "threats"), "1 threat");
    }

    #[test]
    fn per_cent_never_rounds_to_certainty() {
        assert_eq!(percent(0.0), "0%");
        assert_eq!(percent(1.0), "100%");
        assert_eq!(percent(0.999_999), "> 99.99%");
        assert_eq!(percent(0.000_001), "< 0.01%");
        assert_eq!(percent(0.0043), "0.43%");
        assert_eq!(percent(0.9722), "97.2%");
        assert_eq!(percent(f64::NAN), MISSING);
    }

    #[test]
    fn rounding_keeps_the_magnitude() {
        assert_eq!(rounded(0.012_345, 3), "0.0123");
        assert_eq!(rounded(999.96, 4), "1,000");
        assert_eq!(rounded(2.5, 3), "2.5");
        assert_eq!(rounded(f64::INFINITY, 3), MISSING);
        assert_eq!(rounded(1e-30, 3), "1.00e-30");
    }

    #[test]
    fn axes_are_short() {
        assert_eq!(axis(1_500_000.0), "1.5 M");
        assert_eq!(axis(20_000.0), "20 k");
        assert_eq!(axis(0.2), "0.2");
        assert_eq!(axis(1e-6), "10⁻⁶");
        assert_eq!(axis(1e12), "10¹²");
    }

    #[test]
    fn times_are_read_by_people() {
        let t: Timestamp = "2026-11-03T05:13:07Z".parse().unwrap();
        assert_eq!(moment(t), "3 Nov 2026, 05:13:07 UTC");
        assert_eq!(duration(850), "850 ms");
        assert_eq!(duration(80_000), "1 min 20 s");
        assert_eq!(duration(2 * 86_400_000 + 3 * 3_600_000), "2 d 3 h");
        assert_eq!(duration(-5), "0 ms");
    }

    #[test]
    fn clipping_counts_characters_not_bytes() {
        assert_eq!(clip("ééé", 3), "ééé");
        assert_eq!(clip("éééé", 3), "ééé… (1 more characters)");
    }
}
