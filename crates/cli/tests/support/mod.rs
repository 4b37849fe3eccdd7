//! Archives as NumPy writes them.

/// What `numpy.savez(x=…, y=…)` writes: rows of this shape and their classes.
pub fn npz(x: &[f32], row: &[usize], y: &[u8]) -> Vec<u8> {
    let n = y.len();
    let row: Vec<String> = row.iter().map(ToString::to_string).collect();
    let mut rows = header("<f4", &format!("({n}, {})", row.join(", ")));
    rows.extend(x.iter().flat_map(|v| v.to_le_bytes()));
    let mut classes = header("|u1", &format!("({n},)"));
    classes.extend(y);
    stored(&[("x.npy", &rows), ("y.npy", &classes)])
}

/// What an array's file begins with: its type and its shape as Python writes a tuple.
pub fn header(descr: &str, shape: &str) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    bytes.extend(text.into_bytes());
    bytes
}

/// A zip archive without compression.
pub fn stored(members: &[(&str, &[u8])]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        !bytes.iter().fold(!0_u32, |crc, byte| {
            (0..8)
                .fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
        })
    };
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let size = u32::try_from(content.len()).unwrap().to_le_bytes();
        let common =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &crc(content).to_le_bytes(), &size, &size].concat();
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        directory.extend([&b"PK\x01\x02\x14\x00"[..], &common, &length, &[0; 12]].concat());
        directory.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        directory.extend(name.as_bytes());
        bytes.extend([&b"PK\x03\x04"[..], &common, &length, &[0, 0], name.as_bytes(), content].concat());
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let (at, size) = (bytes.len(), directory.len());
    let number = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    bytes.extend(directory);
    bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &number(size), &number(at), &[0, 0]].concat());
    bytes
}
