//! TFRecord: examples and events. They are data to whoever reads them; what is put into a record beside that is not.

use proofhouse_artifact::{ArtifactError, records};

use super::{kept, payload};
use crate::scanner::{Content, Scanner};

/// Records that are looked at one by one.
const MOST: usize = 1 << 20;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let found = match records::walk(content.bytes) {
        Ok(found) => found,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "tfrecord/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            kept::pickles(scanner, content);
            return 0;
        }
    };
    for record in found.into_iter().take(MOST) {
        let at = record.start as u64;
        if let Some(what) = content.bytes.get(record).and_then(payload::kind) {
            scanner.report("format/embedded-payload", content.at(at), format!("a record is {what}"));
        }
    }
    kept::pickles(scanner, content);
    content.bytes.len() as u64
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    /// The head of TensorBoard's first record, for a content of 24 bytes.
    const HEAD: &[u8] = b"\x18\0\0\0\0\0\0\0\xa3\x7fK\x22";

    #[test]
    fn events_are_data_and_what_runs_is_told() {
        let outcome = |content: &[u8]| {
            let mut bytes = HEAD.to_vec();
            bytes.extend(content);
            bytes.resize(HEAD.len() + 24 + 4, 0);
            let report = scan_bytes(&"events.out.tfevents.1".parse().unwrap(), &bytes, &Limits::default());
            assert_eq!((report.format.name(), report.covered_bytes), ("tfrecord", bytes.len() as u64));
            report.outcome
        };
        assert_eq!(outcome(b"\x09\0\0\0\0\0\0\xf0\x3f\x1a\x0dbrain.Event:2"), Outcome::Clean);
        assert_eq!(outcome(b"\x80\x04cos\nsystem\n\x8c\x02id\x85R."), Outcome::Malicious);
        let cut = scan_bytes(
            &"a.tfrecord".parse().unwrap(),
            &[HEAD, &[0; 28], b"rest of the file"].concat(),
            &Limits::default(),
        );
        assert_eq!(cut.outcome, Outcome::Suspicious);
    }
}
