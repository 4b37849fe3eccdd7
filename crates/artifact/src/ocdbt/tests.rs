use proptest::prelude::*;

use super::*;

/// Written by Orbax 0.11: the manifest of a checkpoint, and the root that it names.
const MANIFEST: &[u8] = include_bytes!("../../tests/fixtures/manifest.ocdbt");
const NODE: &[u8] = include_bytes!("../../tests/fixtures/node.ocdbt");
const LIMIT: u64 = 1 << 20;

/// A frame that is not packed.
fn framed(magic: [u8; 4], inner: &[u8]) -> Vec<u8> {
    let length = (HEAD + inner.len() + TAIL) as u64;
    let mut bytes = [&magic[..], &length.to_le_bytes(), &[0, 0], inner].concat();
    let sum = crc32c(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

const LEAF: [u8; 4] = [0x0c, 0xdb, 0x20, 0xde];

#[test]
fn frames_are_read_as_they_are_written() {
    assert!(is_ocdbt(MANIFEST) && is_ocdbt(NODE));
    let manifest = frame(MANIFEST, LIMIT).unwrap();
    assert_eq!(manifest.length, MANIFEST.len() as u64);
    let Body::Manifest(Manifest { numbered: false, versions }) = manifest.body else { panic!() };
    let [(root, 0)] = &versions.roots[..] else { panic!("{versions:?}") };
    assert_eq!(&*root.path, "d/0791178bee1c4097ebcd368f0941369a");
    assert_eq!((root.offset, root.length, root.base), (0, NODE.len() as u64, 0));
    let Body::Leaf(entries) = frame(NODE, LIMIT).unwrap().body else { panic!() };
    assert_eq!(entries.len(), 20);
    assert_eq!(entries[0].key, b"lr/.zarray");
    let kernel = entries.iter().find(|entry| entry.key == b"params.Dense_0.kernel/0.0").unwrap();
    let Stored::At(place) = &kernel.value else { panic!("{kernel:?}") };
    assert_eq!(&place.path[..place.base], "ocdbt.process_0/");
}

#[test]
fn what_is_bent_cut_off_or_left_over_is_told() {
    for at in 0..NODE.len() {
        let mut bytes = NODE.to_vec();
        bytes[at] ^= 1;
        assert!(frame(&bytes, LIMIT).is_err(), "{at}");
    }
    assert!(frame(&NODE[..NODE.len() - 1], LIMIT).is_err());
    assert!(matches!(
        frame(NODE, 100),
        Err(ArtifactError::Limit { .. }) | Err(ArtifactError::Malformed { .. })
    ));
    // No files, one entry: `k` is `v`.
    let leaf = [0, 0, 1, 1, b'k', 1, 0, b'v'];
    let read = frame(&framed(LEAF, &leaf), LIMIT).unwrap();
    let entry = Entry { key: b"k".to_vec(), value: Stored::Inline(b"v".to_vec()) };
    assert_eq!(read.body, Body::Leaf(vec![entry]));
    assert!(frame(&framed(LEAF, &[&leaf[..], b"more"].concat()), LIMIT).is_err());
    // A value in a file that the table does not have.
    assert!(frame(&framed(LEAF, &[0, 0, 1, 1, b'k', 1, 1, 0, 0]), LIMIT).is_err());
}

#[test]
fn keys_that_grow_out_of_each_other_end_at_the_limit() {
    // Keys of which each is the one before and a byte more: a square of what is there.
    let count = 4000u64;
    let varint = |n: u64| if n < 128 { vec![n as u8] } else { vec![n as u8 | 0x80, (n >> 7) as u8] };
    let mut inner = vec![0, 0];
    inner.extend(varint(count));
    (1..count).for_each(|n| inner.extend(varint(n)));
    inner.extend(vec![1; count as usize]);
    inner.extend(vec![b'k'; count as usize]);
    inner.extend(vec![0; 2 * count as usize]);
    assert!(frame(&framed(LEAF, &inner), 64 << 20).is_ok());
    assert!(matches!(frame(&framed(LEAF, &inner), LIMIT), Err(ArtifactError::Limit { .. })));
    let many = [&[0u8, 0][..], &[0xff, 0xff, 0xff, 0xff, 0x7f]].concat();
    assert!(matches!(frame(&framed(LEAF, &many), LIMIT), Err(ArtifactError::Limit { .. })));
}

proptest! {
    #[test]
    fn bent_frames_end(
        kind in 0usize..3,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let magic = [[0x0c, 0xdb, 0x3a, 0x2a], LEAF, [0x0c, 0xdb, 0x12, 0x34]][kind];
        let source = if kind == 0 { MANIFEST } else { NODE };
        let packed = &source[HEAD..source.len() - TAIL];
        let mut inner = Codec::Zstd.unpack(packed, LIMIT).unwrap().bytes;
        for (at, to) in edits {
            let at = at.index(inner.len());
            inner[at] = to;
        }
        let _ = frame(&framed(magic, &inner), LIMIT);
    }
}
