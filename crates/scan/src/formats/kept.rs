//! Pickles and programs that data keep for somebody else: in columns of databases, in records of unknown formats, as
//! Base64 in JSON and XML, as texts that a reader evaluates.
//!
//! Libraries put pickles where a format has no other place for an object: stable-baselines3 in its JSON, Orange in its
//! XML, sqlitedict, diskcache and LMDB sets in their values. Others evaluate what they find: YOLO the names of classes,
//! torch.export its symbolic sizes, OpenMMLab the configuration in a checkpoint. Whoever the reader is, what such a
//! pickle or text would do is told.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use proofhouse_artifact::stream::Codec;
use proofhouse_artifact::{Format, pickle};
use proofhouse_core::Place;

use super::payload;
use crate::python::fold;
use crate::scanner::{Content, Scanner};
use crate::secret;

/// Pickles that are looked into of one content.
const MOST: usize = 64;
/// Places at which a pickle may begin that are looked at.
const CANDIDATES: usize = 1 << 16;
/// Largest pickle that is taken for one that somebody keeps.
const LARGEST: usize = 1 << 20;
/// Opcodes that are read in search of pickles, over all candidates: what is data reads as a few and fails.
const OPCODES: usize = 1 << 20;
/// Longest text that is taken for one that somebody evaluates.
const LONGEST: usize = 1 << 18;

/// Looks into every pickle that stands anywhere in some bytes and imports something; how many there are.
pub(super) fn pickles(scanner: &mut Scanner<'_>, content: &Content<'_>) -> usize {
    let mut left = OPCODES;
    let mut found = 0;
    let mut behind = 0;
    let framed = memmem::find_iter(content.bytes, b"\x80").take(CANDIDATES);
    let mut starts: Vec<usize> =
        framed.filter(|at| begins(content.bytes.get(*at..).unwrap_or_default())).collect();
    // Pickles without a head begin with an import of a module that everybody has.
    for import in [&b"cos\n"[..], b"cposix\n", b"c__builtin__\n", b"cbuiltins\n", b"csubprocess\n", b"cnt\n"]
    {
        starts.extend(memmem::find_iter(content.bytes, import).take(256));
    }
    starts.sort_unstable();
    found += packed_pickles(scanner, content, &mut left);
    for at in starts {
        if at < behind || found >= MOST {
            continue;
        }
        let tail = content.bytes.get(at..).unwrap_or_default();
        let Some(length) = whole(tail, &mut left) else { continue };
        behind = at + length;
        found += 1;
        let bytes = tail.get(..length).unwrap_or_default();
        look(scanner, content.place.clone().at(at as u64), bytes, content.depth);
    }
    found
}

/// Looks into pickles among bytes that are taken from elsewhere, each of which imports modules by names that are written as
/// such.
pub(crate) fn among(scanner: &mut Scanner<'_>, place: &Place, bytes: &[u8], of: &str) {
    let mut left = OPCODES;
    let heads = memmem::find_iter(bytes, b"\x80").take(CANDIDATES);
    for at in heads.filter(|at| begins(bytes.get(*at..).unwrap_or_default())) {
        let tail = bytes.get(at..).unwrap_or_default();
        let Some(found) = whole(tail, &mut left).and_then(|length| tail.get(..length)) else { continue };
        if names_modules(found) {
            let message = format!("{of} are a pickle of {} bytes that imports something", found.len());
            return scanner.report("format/embedded-payload", place.clone(), message);
        }
    }
}

/// Whether a pickle imports something by a name of letters.
fn names_modules(bytes: &[u8]) -> bool {
    let name = |text: &[u8]| {
        text.len() > 1 && text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
    };
    let (mut at, mut texts) = (0, 0);
    while let Ok(op) = pickle::op(bytes, at) {
        match (op.code, op.arg) {
            (pickle::code::GLOBAL | pickle::code::INST, pickle::Arg::Lines(module, inner)) => {
                return name(module) && name(inner);
            }
            (_, pickle::Arg::Bytes(text)) if name(text) => texts += 1,
            (pickle::code::STACK_GLOBAL, _) => return texts > 1,
            (pickle::code::STOP, _) => return false,
            _ => {}
        }
        at = op.end;
    }
    false
}

/// Looks into pickles that are packed by zlib, as stores of models keep them in a column; how many there are.
fn packed_pickles(scanner: &mut Scanner<'_>, content: &Content<'_>, left: &mut usize) -> usize {
    /// Streams that are unpacked in search of pickles: most of what begins like one is none, and fails at once.
    const STREAMS: usize = 512;
    let heads = memmem::find_iter(content.bytes, b"x").filter(|at| {
        let head = content.bytes.get(at + 1);
        matches!(head, Some(0x01 | 0x5e | 0x9c | 0xda))
    });
    let (mut found, mut behind) = (0, 0);
    for at in heads.take(STREAMS) {
        let tail = content.bytes.get(at..).unwrap_or_default();
        if at < behind || found >= MOST || tail.len() < 8 {
            continue;
        }
        let limit = scanner.decompressed_left.min(LARGEST as u64);
        let Ok(unpacked) = Codec::Zlib.unpack(tail, limit) else { continue };
        scanner.decompressed_left = scanner.decompressed_left.saturating_sub(unpacked.bytes.len() as u64);
        behind = at + (tail.len() as u64).saturating_sub(unpacked.trailing) as usize;
        if whole(&unpacked.bytes, left).is_some() {
            found += 1;
            look(scanner, content.place.clone().at(at as u64), &unpacked.bytes, content.depth);
        }
    }
    found
}

/// The pickle that bytes are from their first to their last, or that a text is which stands for bytes as protocols 0 to 2
/// write them, if it imports something.
pub(crate) fn pickle(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !matches!(bytes, [0x80 | b'c', ..] | [0xc2, 0x80, 2..=5, ..]) {
        return None;
    }
    let mut left = OPCODES;
    if whole(bytes, &mut left) == Some(bytes.len()) {
        return Some(Cow::Borrowed(bytes));
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.is_ascii())?;
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<_>>()?;
    (whole(&bytes, &mut left)? == bytes.len()).then_some(Cow::Owned(bytes))
}

/// Whether bytes begin as a pickle of protocol 2 to 5 does: a frame, an import, a container or a text.
fn begins(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0x80, 4 | 5, 0x95, _, _, _, 0, 0, 0, 0, 0, ..]
            | [0x80, 2..=5, b'c' | b'}' | b']' | b'(' | b')' | 0x8c | b'X' | 0x8f, ..]
    )
}

/// The length of a pickle that runs to its end and imports something.
fn whole(bytes: &[u8], left: &mut usize) -> Option<usize> {
    let bytes = bytes.get(..bytes.len().min(LARGEST)).unwrap_or_default();
    let (mut at, mut imports) = (0, false);
    while *left > 0 {
        *left -= 1;
        let op = pickle::op(bytes, at).ok()?;
        imports |= matches!(op.code, pickle::code::GLOBAL | pickle::code::STACK_GLOBAL | pickle::code::INST);
        at = op.end;
        if op.code == pickle::code::STOP {
            return imports.then_some(at);
        }
    }
    None
}

fn look(scanner: &mut Scanner<'_>, place: Place, bytes: &[u8], depth: u32) {
    if depth >= scanner.limits.depth {
        return scanner.report("pickle/budget", place, "pickles are nested deeper than is followed");
    }
    let format = Format::detect(bytes);
    crate::pickle::scan(scanner, &Content { bytes, format, place, depth: depth + 1 });
}

/// A text that a format keeps as a value: a pickle in Base64, or a program that whoever reads it evaluates.
pub(crate) fn text(scanner: &mut Scanner<'_>, place: &Place, name: &str, value: &str) {
    kept(scanner, place, name, value, false);
}

/// The same, of several statements if `programs`.
fn kept(scanner: &mut Scanner<'_>, place: &Place, name: &str, value: &str, programs: bool) {
    if let Some(bytes) = packed(value) {
        return look(scanner, place.clone().within(inner(place, name)), &bytes, 1);
    }
    if let Some((program, wrapped)) = carried(scanner, value) {
        let message = format!("the text {name:?} is {program} in {wrapped}");
        return scanner.report("format/embedded-payload", place.clone(), message);
    }
    if name == "expr_str" && !is_expression(value) {
        let message = format!("a size is {value:.60?}, which sympy evaluates as Python");
        return scanner.report("torch/script", place.clone(), message);
    }
    evaluated(scanner, place, name, value, programs);
}

/// The program that a text stands for, and what it is wrapped in: digits of an encoding and streams, one in another.
fn carried(scanner: &mut Scanner<'_>, text: &str) -> Option<(&'static str, String)> {
    /// No smaller one does anything, however well it is packed.
    const SMALLEST: usize = 16;
    /// Wrappings one in another.
    const DEEPEST: usize = 6;
    let mut bytes = digits(text.as_bytes()).filter(|(_, bytes)| bytes.len() >= SMALLEST)?;
    let mut wrapped = vec![bytes.0];
    for _ in 0..DEEPEST {
        if let Some(program) = payload::program(&bytes.1).or_else(|| payload::masked(&bytes.1)) {
            return Some((program, wrapped.join(" of ")));
        }
        let next = if let Some(codec) = Codec::detect(&bytes.1) {
            let unpacked = codec.unpack(&bytes.1, scanner.decompressed_left).ok()?.bytes;
            scanner.decompressed_left = scanner.decompressed_left.saturating_sub(unpacked.len() as u64);
            (codec.name(), unpacked)
        } else {
            digits(&bytes.1)?
        };
        wrapped.push(next.0);
        bytes = next;
    }
    None
}

/// The bytes that digits of Base64 or Base16 stand for, white space among them, and which of both.
fn digits(text: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    const GLANCE: usize = 64;
    let any = |b: &u8| b.is_ascii_alphanumeric() || b.is_ascii_whitespace() || b"+/-_=".contains(b);
    if text.len() > LARGEST * 2 || !text.iter().take(GLANCE).all(any) || !text.iter().all(any) {
        return None;
    }
    let hex = |b: &u8| b.is_ascii_hexdigit() || b.is_ascii_whitespace();
    if text.iter().all(hex) {
        return Some(("hexadecimal digits", fold::unhex(text)?));
    }
    let url = text.iter().any(|b| matches!(b, b'-' | b'_'));
    Some(("Base64", fold::unbase64(text, url)?))
}

/// What a format says about itself, which loaders restore objects from and pages about a model show.
pub(super) fn metadata(scanner: &mut Scanner<'_>, place: &Place, name: &str, value: &str) {
    kept(scanner, place, name, value, true);
    // One that is certain is found among the bytes of the file.
    if let Some(what) = secret::shape(value)
        && secret::secrets(value.as_bytes(), 0..value.len()).is_empty()
    {
        scanner.report(
            "secret/token",
            place.clone(),
            format!("the value of {name:?} is {what} by its structure"),
        );
    }
    // Templates are programs with tags of their own, and are judged as such; GGUF has its own place for them.
    if name.starts_with("tokenizer.chat_template") {
        return;
    }
    if name.contains("chat_template") {
        return super::template::scan(scanner, place, value);
    }
    if ["{{", "{%"].iter().any(|tag| value.contains(tag)) && value.len() <= LONGEST {
        super::template::ways_out(scanner, place, value);
    }
    super::orders::described(scanner, place, name, value);
    if value.contains('<') && value.len() <= LONGEST {
        super::page::markup(scanner, &place.clone().within(name), value);
    }
}

fn inner(place: &Place, name: &str) -> String {
    place.member.as_ref().map_or_else(|| name.to_owned(), |outer| format!("{outer}!{name}"))
}

/// A text that harms whoever evaluates it: an expression, or a program where readers run such.
pub(crate) fn evaluated(scanner: &mut Scanner<'_>, place: &Place, name: &str, value: &str, programs: bool) {
    const MARKS: [&str; 9] = [
        "__import__",
        "os.",
        "subprocess",
        "eval(",
        "exec(",
        "__subclasses__",
        "__globals__",
        "__builtins__",
        "builtins",
    ];
    if value.len() > LONGEST || !value.contains('(') || !MARKS.iter().any(|mark| value.contains(mark)) {
        return;
    }
    if let Some(what) = crate::python::evaluates(value, programs) {
        let shown: String = value.chars().take(60).collect();
        let message = format!("the text {name:?} is Python, and whoever evaluates it {what}: {shown:?}");
        scanner.report("config/evaluated-text", place.clone(), message);
    }
}

/// Pickles and programs in Base64 between the tags and quotes of a text of any grammar.
pub(super) fn between(scanner: &mut Scanner<'_>, place: &Place, text: &str) {
    /// Shorter runs of letters are words.
    const LEAST: usize = 64;
    let runs = text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=-_".contains(c)));
    for run in runs.filter(|run| run.len() >= LEAST) {
        if let Some((program, wrapped)) = carried(scanner, run) {
            let message = format!("a text is {program} in {wrapped}");
            scanner.report("format/embedded-payload", place.clone(), message);
        }
    }
    for (at, _) in text.match_indices("gA").take(CANDIDATES) {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        if !before.is_none_or(|c| c.is_control() || matches!(c, '>' | '"' | '\'' | ' ' | ':' | ',' | '=')) {
            continue;
        }
        let tail = text.get(at..).unwrap_or_default();
        let end =
            tail.find(|c: char| !(c.is_ascii_alphanumeric() || "+/=-_".contains(c))).unwrap_or(tail.len());
        if let Some(bytes) = packed(tail.get(..end).unwrap_or_default()) {
            look(scanner, place.clone().at(at as u64), &bytes, 1);
        }
    }
}

/// The pickle that a text is in Base64, if it is one that imports something.
fn packed(text: &str) -> Option<Vec<u8>> {
    // A head of protocol 2 to 5, or an import of a module that everybody has.
    let head =
        text.strip_prefix("gA").is_some_and(|rest| rest.starts_with(|c: char| ('I'..='X').contains(&c)));
    let import = ["Y29zCn", "Y3Bvc2l4Cn", "Y19fYnVpbHRpbl9f", "Y2J1aWx0aW5zCn", "Y3N1YnByb2Nlc3MK"]
        .iter()
        .any(|m| text.starts_with(m));
    if !(head || import) || text.len() < 12 || text.len() > LARGEST * 2 {
        return None;
    }
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    let padded = format!(
        "{}{}",
        plain.trim_end_matches('='),
        "=".repeat((4 - plain.trim_end_matches('=').len() % 4) % 4)
    );
    let bytes = STANDARD.decode(padded).ok()?;
    let mut left = OPCODES;
    whole(&bytes, &mut left).map(|_| bytes)
}

/// Whether a size of torch.export is one of symbols, numbers and the functions of its own (`torch/utils/_sympy`), whose
/// classes are written with a capital.
fn is_expression(text: &str) -> bool {
    const FUNCTIONS: [&str; 6] = ["floor", "ceiling", "abs", "sqrt", "log", "exp"];
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let plain = |c: char| word(c) || " ()+-*/,<>=.&|~!%'".contains(c);
    // A dot belongs to a number, quotes to the name of a symbol.
    let dots = text.match_indices('.').all(|(at, _)| {
        let after = text.get(at + 1..).and_then(|t| t.chars().next());
        after.is_none_or(|c| !c.is_ascii_alphabetic())
    });
    let names = text.split('\'').skip(1).step_by(2).all(|name| name.chars().all(word));
    let called = text.match_indices('(').all(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let name = before.rsplit(|c: char| !word(c)).next().unwrap_or_default();
        name.is_empty() || FUNCTIONS.contains(&name) || name.starts_with(|c: char| c.is_ascii_uppercase())
    });
    text.chars().all(plain) && !text.contains("__") && !text.contains("lambda") && dots && names && called
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::{Limits, Outcome, scan_bytes};

    const PICKLE: &[u8] = b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.";

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn outcome(name: &str, bytes: &[u8]) -> Outcome {
        scan_bytes(&name.parse().unwrap(), bytes, &Limits::default()).outcome
    }

    #[test]
    fn programs_in_texts_are_told_whatever_they_are_wrapped_in() {
        // The head of a native library for x86-64, and nothing behind it that runs.
        let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
        elf.extend((elf.len()..190).map(|at| (at * at % 251) as u8));
        elf[52..54].copy_from_slice(&[64, 0]);
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let once = STANDARD.encode(&elf);
        let lines =
            once.as_bytes().chunks(60).map(|c| String::from_utf8_lossy(c)).collect::<Vec<_>>().join("\\n");
        for text in [
            once.clone(),
            lines,
            hex(&elf),
            STANDARD.encode(packed(&elf)),
            STANDARD.encode(packed(once.as_bytes())),
            hex(STANDARD.encode(packed(&elf)).as_bytes()),
        ] {
            let json = format!(r#"{{"calibration": "{text}"}}"#);
            assert!(outcome("m.json", json.as_bytes()) >= Outcome::Suspicious, "{text}");
            let yaml = format!("calibration: \"{text}\"\n");
            assert!(outcome("m.yaml", yaml.as_bytes()) >= Outcome::Suspicious, "{text}");
        }
        for bytes in [
            &[7; 300][..],
            b"a text about nothing that somebody packed, and nothing else, you see",
            &packed(&[7; 900]),
        ] {
            let json = format!(r#"{{"calibration": "{}"}}"#, STANDARD.encode(bytes));
            assert_eq!(outcome("m.json", json.as_bytes()), Outcome::Clean);
        }
    }

    #[test]
    fn lists_of_sounds_name_what_prepares_them() {
        for (line, clean) in [
            ("utt1 /data/a.wav", true),
            ("utt1 sox /data/a.sph -t wav - |", true),
            ("utt1 sph2pipe -f wav a.sph | sox - -r 16000 -t wav - |", true),
            ("utt1 touch /tmp/x; cat a.wav |", false),
            ("utt1 python3 read.py a.wav |", false),
            ("utt1 cat $(id) |", false),
            ("utt1 sox a.wav -t wav - > /tmp/b |", false),
        ] {
            let text = format!("utt0 /data/0.wav\n{line}\n");
            assert_eq!(outcome("wav.scp", text.as_bytes()) == Outcome::Clean, clean, "{line}");
        }
    }

    #[test]
    fn json_that_no_stack_holds_is_told() {
        let deep = |levels: usize| {
            format!("{{\"a\": \"[[[\", \"b\": {}{}}}", "[".repeat(levels), "]".repeat(levels))
        };
        assert_eq!(outcome("m.json", deep(50).as_bytes()), Outcome::Clean);
        assert_eq!(outcome("m.json", deep(900).as_bytes()), Outcome::Clean);
        assert_eq!(outcome("m.json", deep(100_000).as_bytes()), Outcome::Suspicious);
    }

    #[test]
    fn pickles_in_the_lowest_bytes_of_numbers_are_told() {
        for kind in ["F16", "F32"] {
            let width = if kind == "F16" { 2 } else { 4 };
            let tensor = |low: &[u8]| {
                let mut numbers: Vec<u8> = (0..400u32)
                    .flat_map(|n| {
                        let number = [(n * n % 251) as u8, 0x11, (n % 7) as u8, 0x3c];
                        number.get(4 - width..).unwrap().to_vec()
                    })
                    .collect();
                for (at, byte) in low.iter().enumerate() {
                    numbers[(40 + at) * width] = *byte;
                }
                let header = format!(
                    r#"{{"w":{{"dtype":"{kind}","shape":[400],"data_offsets":[0,{}]}}}}"#,
                    numbers.len()
                );
                [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &numbers].concat()
            };
            assert_eq!(outcome("w.safetensors", &tensor(&[])), Outcome::Clean, "{kind}");
            assert!(outcome("w.safetensors", &tensor(PICKLE)) >= Outcome::Suspicious, "{kind}");
        }
    }

    #[test]
    fn a_template_in_metadata_is_judged_as_one() {
        let file = |name: &str, value: &str| {
            let header = format!(
                r#"{{"__metadata__":{{"{name}":"{value}"}},"w":{{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}}}"#
            );
            [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 8]].concat()
        };
        let out = "{{ x.__init__.__globals__ }}";
        assert_eq!(outcome("w.safetensors", &file("chat_template", "{{ messages[0] }}")), Outcome::Clean);
        assert!(outcome("w.safetensors", &file("chat_template", out)) >= Outcome::Suspicious);
        assert!(outcome("w.safetensors", &file("about", out)) >= Outcome::Suspicious);
    }

    #[test]
    fn a_program_in_metadata_is_judged_as_one() {
        let file = |value: &str| {
            let header = format!(
                r#"{{"__metadata__":{{"loader":"{value}"}},"w":{{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}}}"#
            );
            [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 8]].concat()
        };
        for harmful in [
            "import os,base64;exec(base64.b64decode('aW1wb3J0IG9z'))",
            "import subprocess\\nsubprocess.run(['id'])",
            "__import__('os').system('id')",
        ] {
            assert!(outcome("w.safetensors", &file(harmful)) >= Outcome::Suspicious, "{harmful}");
        }
        for words in [
            "load it with safe_open(path), never with exec() or os.system",
            "import torch\\nmodel = torch.nn.Linear(4, 2)",
            "lr=0.1, steps=(3, 5), optimizer=AdamW",
        ] {
            assert_eq!(outcome("w.safetensors", &file(words)), Outcome::Clean, "{words}");
        }
    }

    #[test]
    fn the_shape_of_a_credential_counts_where_no_text_belongs() {
        let file = |note: &str, numbers: &[u8]| {
            let header = format!(
                r#"{{"__metadata__":{{"note":"{note}"}},"w":{{"dtype":"U8","shape":[40],"data_offsets":[0,40]}}}}"#
            );
            let mut data = numbers.to_vec();
            data.resize(40, 0);
            [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
        };
        let array = |numbers: &[u8]| {
            let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (40,), }\n";
            let length = (header.len() as u16).to_le_bytes();
            let mut data = numbers.to_vec();
            data.resize(40, 0);
            [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), &data].concat()
        };
        let example = "AKIAIOSFODNN7EXAMPLE";
        assert_eq!(outcome("w.safetensors", &file("trained", &[])), Outcome::Clean);
        assert_eq!(outcome("w.safetensors", &file(&format!("never keep {example}"), &[])), Outcome::Clean);
        assert_eq!(outcome("w.safetensors", &file(example, &[])), Outcome::Suspicious);
        assert_eq!(outcome("w.safetensors", &file("trained", example.as_bytes())), Outcome::Suspicious);
        assert_eq!(outcome("w.npy", &array(example.as_bytes())), Outcome::Suspicious);
        assert_eq!(outcome("README.md", format!("set it to `{example}`\n").as_bytes()), Outcome::Clean);
    }

    #[test]
    fn what_data_keep_is_looked_into() {
        let base = STANDARD.encode(PICKLE);
        let short = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.";
        let database = |value: &[u8]| [&b"SQLite format 3\0"[..], &[0; 84], value, &[0; 40]].concat();
        for (name, bytes) in [
            ("data", format!(r#"{{"policy": {{":serialized:": "{base}"}}}}"#).into_bytes()),
            (
                "flow.ows",
                format!("<?xml version=\"1.0\"?><s><p format=\"pickle\">{base}</p></s>").into_bytes(),
            ),
            ("a.db", database(short)),
            ("chunk-0.bin", [&b"\x01\0\0\0\x0c\0\0\0=\0\0\0\xff"[..], PICKLE].concat()),
            ("b.db", database(&packed(PICKLE))),
            ("old.bin", [&b"\x01\0\xff\xfe"[..], b"cos\nsystem\n(S'id'\ntR."].concat()),
            ("m.json", br#"{"names": "{0: __import__('os').system('id')}"}"#.to_vec()),
            ("m.json", br#"{"expr_str": "s0.__class__"}"#.to_vec()),
            ("m.yaml", b"act: nn.SiLU() if torch.hub.os.system('id') == 0 else nn.ReLU()\n".to_vec()),
            ("m.json", br#"{"expr_str": "open('x')"}"#.to_vec()),
        ] {
            assert!(outcome(name, &bytes) >= Outcome::Suspicious, "{name}");
        }
        for (name, bytes) in [
            ("m.json", br#"{"image": "gAAAABQAAAAYAAAA", "note": "gASV is how some begin"}"#.to_vec()),
            (
                "m.json",
                br#"{"expr_str": "Max(1, 2*s0 + 1) // 4", "names": "{0: 'person', 1: 'os.path'}"}"#.to_vec(),
            ),
            ("m.json", br#"{"expr_str": "Symbol('s77', positive=True)"}"#.to_vec()),
            (
                "m.yaml",
                b"act: torch.nn.Sequential(nn.ReLU(), nn.Dropout(0.1)) if os.cpu_count() else nn.ReLU()\n"
                    .to_vec(),
            ),
            ("m.json", br#"{"text": "call os.system('id') (never)"}"#.to_vec()),
            ("a.db", database(b"\x80\x04 and cos\n and text")),
            ("b.db", database(&packed(b"x\x9c a text that is packed"))),
        ] {
            assert_eq!(outcome(name, &bytes), Outcome::Clean, "{name}");
        }
    }
}
