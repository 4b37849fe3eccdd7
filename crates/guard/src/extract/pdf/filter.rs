//! What the bytes of streams are packed with (ISO 32000-2, 7.4): Flate, LZW, ASCII, run lengths, and the
//! predictors over the first two. Pictures are not opened.

use std::io::Read;

/// How a filter is used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parameters {
    pub predictor: i64,
    pub colours: usize,
    pub bits: usize,
    pub columns: usize,
    pub late_change: bool,
}

/// What came out of a filter.
pub(super) struct Opened {
    pub bytes: Vec<u8>,
    /// Whether all of it came out.
    pub whole: bool,
}

/// Opens one filter, at most `most` bytes; nothing where the filter is none of text.
pub(super) fn open(name: &str, bytes: &[u8], parameters: Parameters, most: usize) -> Option<Opened> {
    let opened = match name {
        "FlateDecode" | "Fl" => predicted(inflate(bytes, most), parameters),
        "LZWDecode" | "LZW" => predicted(lzw(bytes, parameters.late_change, most), parameters),
        "ASCIIHexDecode" | "AHx" => hexadecimal(bytes),
        "ASCII85Decode" | "A85" => base85(bytes),
        "RunLengthDecode" | "RL" => runs(bytes, most),
        // The identity, where nothing is encrypted.
        "Crypt" => Opened { bytes: bytes.to_vec(), whole: true },
        _ => return None,
    };
    Some(opened)
}

fn inflate(bytes: &[u8], most: usize) -> Opened {
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let mut out = Vec::new();
    let ended = flate2::read::ZlibDecoder::new(bytes).take(limit).read_to_end(&mut out).is_ok();
    if !ended && out.is_empty() {
        // Some programs leave the header out, and readers do not mind.
        let ended = flate2::read::DeflateDecoder::new(bytes).take(limit).read_to_end(&mut out).is_ok();
        return Opened { whole: ended && out.len() < most, bytes: out };
    }
    Opened { whole: ended && out.len() < most, bytes: out }
}

fn predicted(opened: Opened, p: Parameters) -> Opened {
    if p.predictor < 2 {
        return opened;
    }
    let pixel = (p.colours.clamp(1, 32) * p.bits.clamp(1, 16)).div_ceil(8);
    let row = (p.colours.clamp(1, 32) * p.bits.clamp(1, 16) * p.columns.clamp(1, 1 << 20)).div_ceil(8);
    let mut out = Vec::with_capacity(opened.bytes.len());
    if p.predictor == 2 {
        for line in opened.bytes.chunks(row) {
            let start = out.len();
            for (i, byte) in line.iter().enumerate() {
                let left = if i >= pixel { out.get(start + i - pixel).copied().unwrap_or(0) } else { 0 };
                out.push(if p.bits == 8 { byte.wrapping_add(left) } else { *byte });
            }
        }
        return Opened { bytes: out, whole: opened.whole };
    }
    let mut above = vec![0u8; row];
    for line in opened.bytes.chunks(row + 1) {
        let [kind, line @ ..] = line else {
            break;
        };
        let mut current: Vec<u8> = Vec::with_capacity(row);
        for (i, byte) in line.iter().enumerate() {
            let before = |from: &[u8]| i.checked_sub(pixel).and_then(|at| from.get(at).copied()).unwrap_or(0);
            let (left, corner) = (before(&current), before(&above));
            let up = above.get(i).copied().unwrap_or(0);
            let guess = match kind {
                1 => left,
                2 => up,
                3 => u8::midpoint(left, up),
                4 => paeth(left, up, corner),
                _ => 0,
            };
            current.push(byte.wrapping_add(guess));
        }
        out.extend_from_slice(&current);
        current.resize(row, 0);
        above = current;
    }
    Opened { bytes: out, whole: opened.whole }
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let guess = i32::from(left) + i32::from(up) - i32::from(corner);
    let away = |value: u8| (guess - i32::from(value)).abs();
    if away(left) <= away(up) && away(left) <= away(corner) {
        left
    } else if away(up) <= away(corner) {
        up
    } else {
        corner
    }
}

fn lzw(bytes: &[u8], late_change: bool, most: usize) -> Opened {
    const CLEAR: usize = 256;
    const END: usize = 257;
    let early = usize::from(!late_change);
    // Each entry is where in the output it stands: an entry is the one before and one byte more.
    let mut table: Vec<(usize, usize)> = Vec::new();
    let mut out: Vec<u8> = Vec::new();
    let mut last: Option<(usize, usize)> = None;
    let (mut bits, mut held, mut width) = (0u32, 0u32, 9u32);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= width {
            let code = ((bits >> (held - width)) & ((1 << width) - 1)) as usize;
            held -= width;
            bits &= (1 << held) - 1;
            if code == END {
                return Opened { bytes: out, whole: true };
            }
            if code == CLEAR {
                table.clear();
                (last, width) = (None, 9);
                continue;
            }
            let start = out.len();
            if let Ok(literal) = u8::try_from(code) {
                out.push(literal);
            } else {
                let next = 258 + table.len();
                let (from, length) = match (table.get(code - 258), last) {
                    (Some(entry), _) => *entry,
                    // The entry that is being made: the last one and its first byte.
                    (None, Some((from, length))) if code == next => (from, length + 1),
                    _ => return Opened { bytes: out, whole: false },
                };
                if out.len() + length > most {
                    return Opened { bytes: out, whole: false };
                }
                for at in from..from + length {
                    out.push(out.get(at).copied().unwrap_or(0));
                }
            }
            if let Some((from, length)) = last
                && table.len() < 4096 - 258
            {
                table.push((from, length + 1));
            }
            last = Some((start, out.len() - start));
            width = match 258 + table.len() + early {
                ..512 => 9,
                512..1024 => 10,
                1024..2048 => 11,
                _ => 12,
            };
        }
    }
    Opened { bytes: out, whole: true }
}

fn hexadecimal(bytes: &[u8]) -> Opened {
    let mut digits = Vec::new();
    for byte in bytes.iter().take_while(|b| **b != b'>') {
        digits.extend(char::from(*byte).to_digit(16).and_then(|d| u8::try_from(d).ok()));
    }
    let bytes = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => high * 16 + low,
            [high] => high * 16,
            _ => 0,
        })
        .collect();
    Opened { bytes, whole: true }
}

fn base85(bytes: &[u8]) -> Opened {
    let mut out = Vec::new();
    let mut group: Vec<u32> = Vec::new();
    let bytes = bytes.trim_ascii_start();
    for byte in bytes.strip_prefix(b"<~").unwrap_or(bytes) {
        match byte {
            b'~' => break,
            b'z' if group.is_empty() => out.extend([0; 4]),
            b'!'..=b'u' => group.push(u32::from(byte - b'!')),
            _ => {}
        }
        if group.len() == 5 {
            out.extend(of_85(&group));
            group.clear();
        }
    }
    if group.len() > 1 {
        let length = group.len() - 1;
        group.resize(5, 84);
        out.extend(of_85(&group).into_iter().take(length));
    }
    Opened { bytes: out, whole: true }
}

fn of_85(group: &[u32]) -> [u8; 4] {
    group.iter().fold(0u32, |sum, digit| sum.wrapping_mul(85).wrapping_add(*digit)).to_be_bytes()
}

fn runs(bytes: &[u8], most: usize) -> Opened {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let [length, tail @ ..] = rest {
        if out.len() + 128 > most {
            return Opened { bytes: out, whole: false };
        }
        match (*length, tail) {
            (128, _) => break,
            (n @ ..128, _) => {
                let n = (usize::from(n) + 1).min(tail.len());
                let (literal, tail) = tail.split_at(n);
                out.extend_from_slice(literal);
                rest = tail;
            }
            (n, [byte, tail @ ..]) => {
                out.extend(std::iter::repeat_n(*byte, 257 - usize::from(n)));
                rest = tail;
            }
            (_, []) => break,
        }
    }
    Opened { bytes: out, whole: true }
}
