use proptest::prelude::*;

use super::*;

/// Written by h5py 3 in its default (oldest) format and with `libver="latest"`.
const OLD: &[u8] = include_bytes!("../../tests/fixtures/old.h5");
const NEW: &[u8] = include_bytes!("../../tests/fixtures/new.h5");
/// Seventy groups and attributes of one object: links and attributes in fractal heaps.
const DENSE: &[u8] = include_bytes!("../../tests/fixtures/dense.h5");

/// Datasets in every index of chunks that new files have.
const INDEXED: &[u8] = include_bytes!("../../tests/fixtures/indexed.h5");

#[test]
fn what_h5py_writes_is_read_to_the_last_byte() {
    for (bytes, version) in [(OLD, 0), (NEW, 3), (DENSE, 3), (INDEXED, 3)] {
        let survey = survey(bytes).unwrap();
        assert_eq!(survey.version, version);
        assert_eq!(survey.issues, [], "{version}");
        for gap in &survey.gaps {
            let gap = &bytes[gap.start as usize..gap.end as usize];
            assert!(gap.iter().all(|b| *b == 0), "{version}: {:?}", survey.gaps);
        }
    }
}

#[test]
fn texts_links_and_files_outside_are_seen() {
    for bytes in [OLD, NEW] {
        let survey = survey(bytes).unwrap();
        let text = |name: &str| {
            survey.texts.iter().filter(|t| t.name == name).map(|t| &*t.value).collect::<Vec<_>>()
        };
        assert_eq!(text("model_config"), ["{\"class_name\": \"Sequential\"}"]);
        assert_eq!(text("fixed"), ["ab", "cde"]);
        assert_eq!(text("varying"), ["x", "longer"]);
        let target = |path: &str| survey.links.iter().find(|l| l.path == path).map(|l| l.target.clone());
        let outside = Target::External { file: "/etc/hostname".into(), object: "/data".into() };
        assert_eq!(target("/outside"), Some(outside));
        assert_eq!(target("/soft"), Some(Target::Soft("/group/weights".into())));
        let files: Vec<_> = survey.external.iter().map(|e| (&*e.dataset, &*e.file)).collect();
        assert!(files.contains(&("/stored", "raw.bin")), "{files:?}");
        assert!(survey.datasets.iter().any(|d| d.path == "/group/weights" && d.data.is_some()));
    }
    let virtual_file = survey(NEW).unwrap().external.into_iter().find(|e| e.dataset == "/virtual");
    assert_eq!(virtual_file.unwrap().file, "other.h5");
}

#[test]
fn links_and_attributes_in_heaps_are_all_seen() {
    let survey = survey(DENSE).unwrap();
    assert_eq!(survey.issues, []);
    assert_eq!(survey.objects, 1 + 300);
    assert_eq!(survey.texts.iter().filter(|t| t.name.starts_with("attribute")).count(), 70);
    assert!(survey.links.iter().any(|l| matches!(l.target, Target::External { .. })));
}

#[test]
fn bytes_between_chunks_of_every_index_are_seen() {
    let whole = survey(INDEXED).unwrap();
    assert_eq!(whole.objects, 12);
    // Entries that lead nowhere: what they led to belongs to nothing any more.
    for (signature, at, bytes) in
        [(b"FADB", 19, 160), (b"EAIB", 14, 40), (b"EADB", 18, 128), (b"BTLF", 6, 240)]
    {
        let block = INDEXED.windows(4).position(|w| w == signature).unwrap();
        let mut bent = INDEXED.to_vec();
        bent[block + at..][..bytes].fill(0xff);
        let survey = survey(&bent).unwrap();
        let gaps = |s: &Survey| s.gaps.iter().map(|g| g.end - g.start).sum::<u64>();
        assert!(gaps(&survey) > gaps(&whole), "{:?}", String::from_utf8_lossy(signature));
    }
}

#[test]
fn elements_of_varying_length_are_listed() {
    for bytes in [OLD, NEW] {
        let survey = survey(bytes).unwrap();
        let objects: Vec<&[u8]> =
            survey.objects_of_heaps.iter().map(|r| &bytes[r.start as usize..r.end as usize]).collect();
        assert!(objects.contains(&&b"one"[..]) && objects.contains(&&b"two"[..]), "{objects:?}");
    }
}

#[test]
fn a_user_block_a_tail_and_a_cut_are_told() {
    let behind = survey(&[OLD, b"tail"].concat()).unwrap();
    assert!(behind.issues.iter().any(|i| i.kind == IssueKind::Trailing(4)));
    let cut = survey(&OLD[..OLD.len() - 8]).unwrap();
    assert!(cut.issues.iter().any(|i| i.kind == IssueKind::Broken));
    assert!(survey(b"\x89HDF\r\n\x1a\n").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn bent_files_end(
        which in 0usize..4,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        head in any::<bool>(),
    ) {
        let mut bytes = [OLD, NEW, DENSE, INDEXED][which].to_vec();
        let length = if head { 1200.min(bytes.len()) } else { bytes.len() };
        for (at, to) in edits {
            bytes[at.index(length)] = to;
        }
        if let Ok(survey) = survey(&bytes) {
            prop_assert!(survey.gaps.iter().all(|g| g.start <= g.end && g.end <= bytes.len() as u64));
        }
    }
}
