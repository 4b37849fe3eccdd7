//! Numbers in texts of any locale, compared as numbers.

use std::cmp::Ordering;

/// A decimal number: `mantissa` times ten to the power of minus `scale`, without trailing zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// Digits before and after the point that are compared exactly; more is no number here.
const MAX_DIGITS: usize = 18;

impl Decimal {
    fn new(mut mantissa: i128, mut scale: u32) -> Self {
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self { mantissa, scale }
    }

    /// Reads digits with at most one point and an exponent, as JSON writes numbers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (base, exponent) = match text.split_once(['e', 'E']) {
            Some((base, exponent)) => (base, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = base.split_once('.').unwrap_or((base, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let all = format!("{}{fraction}", whole.trim_start_matches('0'));
        let scale = i64::try_from(fraction.len()).ok()? - i64::from(exponent);
        if all.is_empty() {
            return Some(Self { mantissa: 0, scale: 0 });
        }
        let zeros = usize::try_from(-scale).unwrap_or(0);
        if all.len() + zeros > MAX_DIGITS || scale > MAX_DIGITS as i64 {
            return None;
        }
        let mantissa: i128 = format!("{all}{}", "0".repeat(zeros)).parse().ok()?;
        let signed = if negative { -mantissa } else { mantissa };
        Some(Self::new(signed, u32::try_from(scale.max(0)).ok()?))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        // At most 18 digits each and a scale of at most 18: both products stay below 10^36.
        let (a, b) = (10_i128.pow(other.scale), 10_i128.pow(self.scale));
        (self.mantissa * a).cmp(&(other.mantissa * b))
    }
}

/// Every way in which a number can be read: one, or two where its separator may stand for thousands or for
/// the decimal point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    readings: Vec<Decimal>,
    exact: bool,
}

impl Readings {
    /// A number of a JSON document.
    #[must_use]
    pub fn of_json(number: &serde_json::Number) -> Option<Self> {
        Decimal::parse(&number.to_string()).map(Self::only)
    }

    /// A text that is a number and nothing else, perhaps with a currency.
    #[must_use]
    pub fn of_value(text: &str) -> Option<Self> {
        let mut numbers = numbers(text);
        let only = numbers.next()?;
        let rest =
            text.chars().filter(|c| !c.is_numeric() && !is_separator(*c) && *c != '-').collect::<String>();
        let is_currency =
            rest.trim().is_empty() || is_currency_sign(rest.trim()) || is_currency_code(rest.trim());
        (numbers.next().is_none() && is_currency).then_some(only)
    }

    fn only(reading: Decimal) -> Self {
        Self { readings: vec![reading], exact: true }
    }

    fn signed(mut self, negative: bool) -> Self {
        if negative {
            self.readings.iter_mut().for_each(|r| r.mantissa = -r.mantissa);
        }
        self
    }

    /// Whether it can be read in one way only.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether some reading of one is some reading of the other.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.readings.iter().any(|r| other.readings.contains(r))
    }

    /// Whether every reading lies within bounds.
    #[must_use]
    pub fn within(&self, min: Option<Decimal>, max: Option<Decimal>) -> bool {
        self.readings.iter().all(|r| min.is_none_or(|min| *r >= min) && max.is_none_or(|max| *r <= max))
    }
}

/// The numbers of a text.
pub fn numbers(text: &str) -> impl Iterator<Item = Readings> {
    let chars: Vec<char> = text.chars().map(plain_digit).collect();
    let mut runs = runs(&chars);
    // `5 000` may be one number or two.
    let mut joined = Vec::new();
    for n in 1..runs.len() {
        let (Some(left), Some(right)) = (runs.get(n - 1), runs.get(n)) else { continue };
        let is_group = right.body.len() >= 3
            && right.body.chars().take_while(char::is_ascii_digit).count() == 3
            && left.body.len() <= 3
            && left.body.bytes().all(|b| b.is_ascii_digit());
        if left.end + 1 == right.start && chars.get(left.end) == Some(&' ') && is_group {
            let mut chain = left.body.clone();
            let mut last = n;
            chain.push('\u{a0}');
            chain.push_str(&right.body);
            while let (Some(before), Some(next)) = (runs.get(last), runs.get(last + 1)) {
                let adjoins = before.end + 1 == next.start && chars.get(before.end) == Some(&' ');
                let three = next.body.chars().take_while(char::is_ascii_digit).count() == 3;
                if !adjoins || !three || before.body.len() != 3 {
                    break;
                }
                chain.push('\u{a0}');
                chain.push_str(&next.body);
                last += 1;
            }
            joined.push((n - 1, last, chain, left.negative));
        }
    }
    let mut doubtful = vec![false; runs.len()];
    let mut found = Vec::new();
    for (first, last, chain, negative) in joined {
        doubtful.iter_mut().skip(first).take(last + 1 - first).for_each(|d| *d = true);
        found.extend(of_run(&chain).map(|r| Readings { exact: false, ..r.signed(negative) }));
    }
    for (run, doubt) in runs.drain(..).zip(doubtful) {
        found.extend(
            of_run(&run.body).map(|r| Readings { exact: r.exact && !doubt, ..r.signed(run.negative) }),
        );
    }
    found.into_iter()
}

/// A maximal run of digits and separators that stands free.
struct Run {
    start: usize,
    end: usize,
    body: String,
    negative: bool,
}

fn runs(chars: &[char]) -> Vec<Run> {
    let at = |i: usize| chars.get(i).copied();
    let mut runs = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        if !at(i).is_some_and(|c| c.is_ascii_digit()) {
            i += 1;
            continue;
        }
        let start = i;
        while at(i).is_some_and(|c| c.is_ascii_digit())
            || (at(i).is_some_and(is_separator) && at(i + 1).is_some_and(|c| c.is_ascii_digit()))
        {
            i += 1;
        }
        if let Some(negative) = free_on_the_left(chars, start)
            && free_on_the_right(chars, i)
        {
            runs.push(Run {
                start,
                end: i,
                body: chars.get(start..i).unwrap_or_default().iter().collect(),
                negative,
            });
        }
    }
    runs
}

/// Whether a run may start here, and whether a minus makes it negative.
fn free_on_the_left(chars: &[char], start: usize) -> Option<bool> {
    let before = |n: usize| start.checked_sub(n).and_then(|i| chars.get(i)).copied();
    match before(1) {
        None => Some(false),
        Some('-' | '−') => match before(2) {
            None => Some(true),
            Some(c)
                if c.is_whitespace() || matches!(c, '(' | '"' | '\'' | ':' | '=') || is_currency_char(c) =>
            {
                Some(true)
            }
            Some(_) => None,
        },
        // The end of a time, a ratio or a version, not a number of its own.
        Some(':') if before(2).is_some_and(char::is_numeric) => None,
        Some('/' | '\\' | '#' | '@' | '_' | '^' | '~' | '&' | '%' | '.' | ',' | '–') => None,
        // A currency code may touch the number: `EUR50`.
        Some(c) if c.is_alphabetic() => (is_unspaced(c) || code_ends(chars, start)).then_some(false),
        Some(c) => (!c.is_numeric()).then_some(false),
    }
}

fn free_on_the_right(chars: &[char], end: usize) -> bool {
    let next = chars.get(end).copied();
    let after = chars.get(end + 1).copied();
    match next {
        None => true,
        Some('%' | '‰' | '°' | '@' | '_' | '#' | '^' | '\\' | '=') => false,
        Some('/' | ':' | '-' | '–' | '.' | ',' | '\'' | '’') => !after.is_some_and(char::is_alphanumeric),
        Some(c) if c.is_alphabetic() => is_unspaced(c) || code_starts(chars, end),
        Some(c) => !c.is_numeric(),
    }
}

/// Scripts that set no space between a number and a word. What multiplies is part of the number.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{e00}'..='\u{e7f}')
        && !"十百千万萬亿億兆割分点半만억조천백십".contains(c)
}

fn code_starts(chars: &[char], at: usize) -> bool {
    let word: String = chars.iter().skip(at).take_while(|c| c.is_alphanumeric()).take(4).collect();
    is_currency_code(&word)
}

fn code_ends(chars: &[char], end: usize) -> bool {
    let front = chars.get(..end).unwrap_or_default();
    let word: Vec<char> = front.iter().rev().take_while(|c| c.is_alphanumeric()).take(4).copied().collect();
    is_currency_code(&word.into_iter().rev().collect::<String>())
}

fn is_currency_code(word: &str) -> bool {
    const CODES: [&str; 32] = [
        "AED", "AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR",
        "ILS", "INR", "JPY", "KRW", "MXN", "NOK", "NZD", "PHP", "PLN", "RON", "SAR", "SEK", "SGD", "THB",
        "TRY", "UAH", "USD", "ZAR",
    ];
    CODES.iter().any(|code| code.eq_ignore_ascii_case(word))
}

const fn is_currency_char(c: char) -> bool {
    matches!(c, '$' | '¢' | '£' | '¤' | '¥' | '\u{20a0}'..='\u{20cf}')
}

fn is_currency_sign(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(is_currency_char) && chars.next().is_none()
}

const fn is_separator(c: char) -> bool {
    matches!(c, '.' | ',' | '\'' | '’' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '٬' | '٫')
}

/// Reads a run of ASCII digits and separators in every way there is.
fn of_run(run: &str) -> Option<Readings> {
    let separators: Vec<char> = run.chars().filter(|c| !c.is_ascii_digit()).collect();
    let groups: Vec<&str> = run.split(|c: char| !c.is_ascii_digit()).collect();
    let (first, last) = (groups.first()?, groups.last()?);
    let Some(&mark) = separators.last() else {
        return Decimal::parse(run).map(Readings::only);
    };
    let front = separators.get(..separators.len() - 1)?;
    let mut readings = Vec::new();
    if grouped(&groups, &separators) {
        readings.extend(Decimal::parse(&groups.concat()));
    }
    let can_mark = matches!(mark, '.' | ',' | '٫') && !front.contains(&mark);
    let whole = groups.get(..groups.len() - 1)?;
    if can_mark && (front.is_empty() || grouped(whole, front)) {
        readings.extend(Decimal::parse(&format!("{}.{last}", whole.concat())));
    }
    // `0.500` has no thousands before it.
    if first.starts_with('0') && readings.len() > 1 {
        readings.remove(0);
    }
    let exact = readings.len() == 1;
    (!readings.is_empty()).then_some(Readings { readings, exact })
}

/// Whether separators divide digits into thousands (`1.234.567`) or, with commas, as India does
/// (`12,34,567`).
fn grouped(groups: &[&str], separators: &[char]) -> bool {
    let Some((first, rest)) = groups.split_first() else { return false };
    let Some((last, middle)) = rest.split_last() else { return false };
    let one_kind = separators.windows(2).all(|pair| pair.first() == pair.last());
    let kind = separators.first().copied().unwrap_or_default();
    let thousands = middle.iter().all(|g| g.len() == 3);
    let indian = kind == ',' && first.len() <= 2 && middle.iter().all(|g| g.len() == 2);
    one_kind && kind != '٫' && (1..=3).contains(&first.len()) && last.len() == 3 && (thousands || indian)
}

/// Digits of other scripts as ASCII digits.
fn plain_digit(c: char) -> char {
    // Where the ten digits of a script start.
    const ZEROS: [u32; 12] =
        [0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xbe6, 0xc66, 0xce6, 0xe50, 0x1040, 0xff10];
    let code = u32::from(c);
    ZEROS
        .iter()
        .find_map(|zero| code.checked_sub(*zero).filter(|digit| *digit < 10))
        .and_then(|digit| char::from_digit(digit, 10))
        .unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Vec<String> {
        shown(numbers(text).filter(Readings::is_exact))
    }

    fn doubtful(text: &str) -> Vec<String> {
        shown(numbers(text).filter(|r| !r.is_exact()))
    }

    fn shown(readings: impl Iterator<Item = Readings>) -> Vec<String> {
        readings
            .flat_map(|r| r.readings)
            .map(
                |d| {
                    if d.scale == 0 { d.mantissa.to_string() } else { format!("{}e-{}", d.mantissa, d.scale) }
                },
            )
            .collect()
    }

    #[test]
    fn one_number_in_many_locales() {
        for text in [
            "1,000.50",
            "1.000,50",
            "1\u{202f}000,50",
            "1'000.50",
            "1’000,5",
            "1000.50",
            "€1,000.50",
            "1.000,50EUR",
            "USD1000.5",
            "(1000,50)",
            "**1000,50**",
            "١٠٠٠٫٥٠",
            "１０００.50",
        ] {
            assert_eq!(exact(text), ["10005e-1"], "{text}");
        }
        assert_eq!(exact("1.234.567 and 12,34,567.00"), ["1234567", "1234567"]);
        assert_eq!(exact("转账50元"), ["50"]);
        assert_eq!(exact("-5 and (-7)"), ["-5", "-7"]);
        assert_eq!(exact("Pay 10. Then 20, then 30!"), ["10", "20", "30"]);
    }

    #[test]
    fn what_can_be_read_twice_is_doubtful() {
        assert_eq!(doubtful("1,500"), ["1500", "15e-1"]);
        assert_eq!(doubtful("1.500"), ["1500", "15e-1"]);
        assert_eq!(doubtful("5 000"), ["5000", "5", "0"]);
        assert_eq!(exact("0.500"), ["5e-1"]);
        assert_eq!(exact("1 000,50"), [""; 0]);
    }

    #[test]
    fn codes_dates_and_parts_are_no_numbers() {
        for text in [
            "A1",
            "1a",
            "10k",
            "v1.2.3",
            "192.168.0.1",
            "2026-11-25",
            "10:30",
            "50%",
            "#10",
            "x_10",
            "10/12",
            "1e3",
            "4711-A",
            "3万",
            "0x10",
            "1.2.3",
            "12,3456,7",
            "a@10",
            "10@b",
        ] {
            assert_eq!(exact(text), [""; 0], "{text}");
            assert_eq!(doubtful(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn one_is_not_in_ten() {
        assert_eq!(exact("pay 10 or 100.01"), ["10", "10001e-2"]);
    }

    #[test]
    fn values_are_numbers_and_nothing_else() {
        let is = |text: &str| Readings::of_value(text).map(|r| (shown(std::iter::once(r.clone())), r.exact));
        assert_eq!(is("10"), Some((vec!["10".into()], true)));
        assert_eq!(is("10.50"), Some((vec!["105e-1".into()], true)));
        assert_eq!(is("1.500"), Some((vec!["1500".into(), "15e-1".into()], false)));
        assert_eq!(is("€ 10"), Some((vec!["10".into()], true)));
        assert_eq!(is("10 EUR"), Some((vec!["10".into()], true)));
        for text in ["", "ten", "10 or 20", "10 to evil", "1e3", "10x", "DE10"] {
            assert_eq!(is(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_compare_as_numbers() {
        let d = |text| Decimal::parse(text).unwrap();
        assert_eq!(d("10"), d("10.000"));
        assert_eq!(d("1e3"), d("1000"));
        assert_eq!(d("-0"), d("0"));
        assert!(
            d("0.1") < d("0.11") && d("-5") < d("1") && d("999999999999999999") > d("0.000000000000000001")
        );
        for text in
            ["1e300", "1e-30", "1234567890123456789", "", "-", ".5", "1.2.3", "NaN", "+1", "1e99999999999"]
        {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
