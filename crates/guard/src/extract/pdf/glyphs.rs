//! What the letters of simple fonts are called and numbered (ISO 32000-2, annex D): the standard encodings
//! and the names of glyphs that Latin fonts use.

/// Which table numbers the letters of a font.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Standard,
    Windows,
    Macintosh,
}

/// Windows code page 1252 from 0x80 to 0x9f; from there on it is Latin-1.
const WINDOWS: &str = "\u{20ac}\u{fffd}\u{201a}\u{192}\u{201e}\u{2026}\u{2020}\u{2021}\u{2c6}\u{2030}\
     \u{160}\u{2039}\u{152}\u{fffd}\u{17d}\u{fffd}\u{fffd}\u{2018}\u{2019}\u{201c}\
     \u{201d}\u{2022}\u{2013}\u{2014}\u{2dc}\u{2122}\u{161}\u{203a}\u{153}\u{fffd}\u{17e}\
     \u{178}";

/// Mac OS Roman from 0x80.
const MACINTOSH: &str = "\u{c4}\u{c5}\u{c7}\u{c9}\u{d1}\u{d6}\u{dc}\u{e1}\u{e0}\u{e2}\u{e4}\u{e3}\u{e5}\u{e7}\
     \u{e9}\u{e8}\u{ea}\u{eb}\u{ed}\u{ec}\u{ee}\u{ef}\u{f1}\u{f3}\u{f2}\u{f4}\u{f6}\u{f5}\
     \u{fa}\u{f9}\u{fb}\u{fc}\u{2020}\u{b0}\u{a2}\u{a3}\u{a7}\u{2022}\u{b6}\u{df}\u{ae}\
     \u{a9}\u{2122}\u{b4}\u{a8}\u{2260}\u{c6}\u{d8}\u{221e}\u{b1}\u{2264}\u{2265}\u{a5}\
     \u{b5}\u{2202}\u{2211}\u{220f}\u{3c0}\u{222b}\u{aa}\u{ba}\u{3a9}\u{e6}\u{f8}\u{bf}\
     \u{a1}\u{ac}\u{221a}\u{192}\u{2248}\u{2206}\u{ab}\u{bb}\u{2026}\u{a0}\u{c0}\u{c3}\
     \u{d5}\u{152}\u{153}\u{2013}\u{2014}\u{201c}\u{201d}\u{2018}\u{2019}\u{f7}\u{25ca}\
     \u{ff}\u{178}\u{2044}\u{20ac}\u{2039}\u{203a}\u{fb01}\u{fb02}\u{2021}\u{b7}\u{201a}\
     \u{201e}\u{2030}\u{c2}\u{ca}\u{c1}\u{cb}\u{c8}\u{cd}\u{ce}\u{cf}\u{cc}\u{d3}\u{d4}\
     \u{f8ff}\u{d2}\u{da}\u{db}\u{d9}\u{131}\u{2c6}\u{2dc}\u{af}\u{2d8}\u{2d9}\u{2da}\
     \u{b8}\u{2dd}\u{2db}\u{2c7}";

/// Where the standard encoding is not ASCII.
const STANDARD: &[(u8, char)] = &[
    (0x27, '\u{2019}'),
    (0x60, '\u{2018}'),
    (0xa1, '\u{a1}'),
    (0xa2, '\u{a2}'),
    (0xa3, '\u{a3}'),
    (0xa4, '\u{2044}'),
    (0xa5, '\u{a5}'),
    (0xa6, '\u{192}'),
    (0xa7, '\u{a7}'),
    (0xa8, '\u{a4}'),
    (0xa9, '\''),
    (0xaa, '\u{201c}'),
    (0xab, '\u{ab}'),
    (0xac, '\u{2039}'),
    (0xad, '\u{203a}'),
    (0xae, '\u{fb01}'),
    (0xaf, '\u{fb02}'),
    (0xb1, '\u{2013}'),
    (0xb2, '\u{2020}'),
    (0xb3, '\u{2021}'),
    (0xb4, '\u{b7}'),
    (0xb6, '\u{b6}'),
    (0xb7, '\u{2022}'),
    (0xb8, '\u{201a}'),
    (0xb9, '\u{201e}'),
    (0xba, '\u{201d}'),
    (0xbb, '\u{bb}'),
    (0xbc, '\u{2026}'),
    (0xbd, '\u{2030}'),
    (0xbf, '\u{bf}'),
    (0xc1, '`'),
    (0xc2, '\u{b4}'),
    (0xc3, '\u{2c6}'),
    (0xc4, '\u{2dc}'),
    (0xc5, '\u{af}'),
    (0xc6, '\u{2d8}'),
    (0xc7, '\u{2d9}'),
    (0xc8, '\u{a8}'),
    (0xca, '\u{2da}'),
    (0xcb, '\u{b8}'),
    (0xcd, '\u{2dd}'),
    (0xce, '\u{2db}'),
    (0xcf, '\u{2c7}'),
    (0xd0, '\u{2014}'),
    (0xe1, '\u{c6}'),
    (0xe3, '\u{aa}'),
    (0xe8, '\u{141}'),
    (0xe9, '\u{d8}'),
    (0xea, '\u{152}'),
    (0xeb, '\u{ba}'),
    (0xf1, '\u{e6}'),
    (0xf5, '\u{131}'),
    (0xf8, '\u{142}'),
    (0xf9, '\u{f8}'),
    (0xfa, '\u{153}'),
    (0xfb, '\u{df}'),
];

/// Names of glyphs and what they show.
const NAMES: &[(&str, &str)] = &[
    ("AE", "\u{c6}"),
    ("Aacute", "\u{c1}"),
    ("Abreve", "\u{102}"),
    ("Acircumflex", "\u{c2}"),
    ("Adieresis", "\u{c4}"),
    ("Agrave", "\u{c0}"),
    ("Amacron", "\u{100}"),
    ("Aogonek", "\u{104}"),
    ("Aring", "\u{c5}"),
    ("Atilde", "\u{c3}"),
    ("Cacute", "\u{106}"),
    ("Ccaron", "\u{10c}"),
    ("Ccedilla", "\u{c7}"),
    ("Ccircumflex", "\u{108}"),
    ("Cdotaccent", "\u{10a}"),
    ("Dcaron", "\u{10e}"),
    ("Dcroat", "\u{110}"),
    ("Delta", "\u{2206}"),
    ("Eacute", "\u{c9}"),
    ("Ebreve", "\u{114}"),
    ("Ecaron", "\u{11a}"),
    ("Ecircumflex", "\u{ca}"),
    ("Edieresis", "\u{cb}"),
    ("Edotaccent", "\u{116}"),
    ("Egrave", "\u{c8}"),
    ("Emacron", "\u{112}"),
    ("Eogonek", "\u{118}"),
    ("Eth", "\u{d0}"),
    ("Euro", "\u{20ac}"),
    ("Gbreve", "\u{11e}"),
    ("Gcircumflex", "\u{11c}"),
    ("Gcommaaccent", "\u{122}"),
    ("Gdotaccent", "\u{120}"),
    ("Hbar", "\u{126}"),
    ("Hcircumflex", "\u{124}"),
    ("Iacute", "\u{cd}"),
    ("Ibreve", "\u{12c}"),
    ("Icircumflex", "\u{ce}"),
    ("Idieresis", "\u{cf}"),
    ("Idotaccent", "\u{130}"),
    ("Igrave", "\u{cc}"),
    ("Imacron", "\u{12a}"),
    ("Iogonek", "\u{12e}"),
    ("Itilde", "\u{128}"),
    ("Jcircumflex", "\u{134}"),
    ("Kcommaaccent", "\u{136}"),
    ("Lacute", "\u{139}"),
    ("Lcaron", "\u{13d}"),
    ("Lcommaaccent", "\u{13b}"),
    ("Lslash", "\u{141}"),
    ("Nacute", "\u{143}"),
    ("Ncaron", "\u{147}"),
    ("Ncommaaccent", "\u{145}"),
    ("Ntilde", "\u{d1}"),
    ("OE", "\u{152}"),
    ("Oacute", "\u{d3}"),
    ("Obreve", "\u{14e}"),
    ("Ocircumflex", "\u{d4}"),
    ("Odieresis", "\u{d6}"),
    ("Ograve", "\u{d2}"),
    ("Ohungarumlaut", "\u{150}"),
    ("Omacron", "\u{14c}"),
    ("Omega", "\u{3a9}"),
    ("Oslash", "\u{d8}"),
    ("Otilde", "\u{d5}"),
    ("Racute", "\u{154}"),
    ("Rcaron", "\u{158}"),
    ("Rcommaaccent", "\u{156}"),
    ("Sacute", "\u{15a}"),
    ("Scaron", "\u{160}"),
    ("Scedilla", "\u{15e}"),
    ("Scircumflex", "\u{15c}"),
    ("Tcaron", "\u{164}"),
    ("Tcommaaccent", "\u{162}"),
    ("Thorn", "\u{de}"),
    ("Uacute", "\u{da}"),
    ("Ubreve", "\u{16c}"),
    ("Ucircumflex", "\u{db}"),
    ("Udieresis", "\u{dc}"),
    ("Ugrave", "\u{d9}"),
    ("Uhungarumlaut", "\u{170}"),
    ("Umacron", "\u{16a}"),
    ("Uogonek", "\u{172}"),
    ("Uring", "\u{16e}"),
    ("Utilde", "\u{168}"),
    ("Wcircumflex", "\u{174}"),
    ("Yacute", "\u{dd}"),
    ("Ycircumflex", "\u{176}"),
    ("Ydieresis", "\u{178}"),
    ("Zacute", "\u{179}"),
    ("Zcaron", "\u{17d}"),
    ("Zdotaccent", "\u{17b}"),
    ("aacute", "\u{e1}"),
    ("abreve", "\u{103}"),
    ("acircumflex", "\u{e2}"),
    ("acute", "\u{b4}"),
    ("adieresis", "\u{e4}"),
    ("ae", "\u{e6}"),
    ("agrave", "\u{e0}"),
    ("amacron", "\u{101}"),
    ("ampersand", "&"),
    ("aogonek", "\u{105}"),
    ("approxequal", "\u{2248}"),
    ("aring", "\u{e5}"),
    ("asciicircum", "^"),
    ("asciitilde", "~"),
    ("asterisk", "*"),
    ("at", "@"),
    ("atilde", "\u{e3}"),
    ("backslash", "\\"),
    ("bar", "|"),
    ("braceleft", "{"),
    ("braceright", "}"),
    ("bracketleft", "["),
    ("bracketright", "]"),
    ("breve", "\u{2d8}"),
    ("brokenbar", "\u{a6}"),
    ("bullet", "\u{2022}"),
    ("cacute", "\u{107}"),
    ("caron", "\u{2c7}"),
    ("ccaron", "\u{10d}"),
    ("ccedilla", "\u{e7}"),
    ("ccircumflex", "\u{109}"),
    ("cdotaccent", "\u{10b}"),
    ("cedilla", "\u{b8}"),
    ("cent", "\u{a2}"),
    ("circumflex", "\u{2c6}"),
    ("colon", ":"),
    ("comma", ","),
    ("copyright", "\u{a9}"),
    ("currency", "\u{a4}"),
    ("dagger", "\u{2020}"),
    ("daggerdbl", "\u{2021}"),
    ("dcaron", "\u{10f}"),
    ("dcroat", "\u{111}"),
    ("degree", "\u{b0}"),
    ("dieresis", "\u{a8}"),
    ("divide", "\u{f7}"),
    ("dollar", "$"),
    ("dotaccent", "\u{2d9}"),
    ("dotlessi", "\u{131}"),
    ("eacute", "\u{e9}"),
    ("ebreve", "\u{115}"),
    ("ecaron", "\u{11b}"),
    ("ecircumflex", "\u{ea}"),
    ("edieresis", "\u{eb}"),
    ("edotaccent", "\u{117}"),
    ("egrave", "\u{e8}"),
    ("eight", "8"),
    ("ellipsis", "\u{2026}"),
    ("emacron", "\u{113}"),
    ("emdash", "\u{2014}"),
    ("endash", "\u{2013}"),
    ("eogonek", "\u{119}"),
    ("equal", "="),
    ("eth", "\u{f0}"),
    ("exclam", "!"),
    ("exclamdown", "\u{a1}"),
    ("ff", "ff"),
    ("ffi", "ffi"),
    ("ffl", "ffl"),
    ("fi", "fi"),
    ("five", "5"),
    ("fl", "fl"),
    ("florin", "\u{192}"),
    ("four", "4"),
    ("fraction", "\u{2044}"),
    ("gbreve", "\u{11f}"),
    ("gcircumflex", "\u{11d}"),
    ("gcommaaccent", "\u{123}"),
    ("gdotaccent", "\u{121}"),
    ("germandbls", "\u{df}"),
    ("grave", "`"),
    ("greater", ">"),
    ("greaterequal", "\u{2265}"),
    ("guillemotleft", "\u{ab}"),
    ("guillemotright", "\u{bb}"),
    ("guilsinglleft", "\u{2039}"),
    ("guilsinglright", "\u{203a}"),
    ("hbar", "\u{127}"),
    ("hcircumflex", "\u{125}"),
    ("hungarumlaut", "\u{2dd}"),
    ("hyphen", "-"),
    ("iacute", "\u{ed}"),
    ("ibreve", "\u{12d}"),
    ("icircumflex", "\u{ee}"),
    ("idieresis", "\u{ef}"),
    ("igrave", "\u{ec}"),
    ("imacron", "\u{12b}"),
    ("infinity", "\u{221e}"),
    ("integral", "\u{222b}"),
    ("iogonek", "\u{12f}"),
    ("itilde", "\u{129}"),
    ("jcircumflex", "\u{135}"),
    ("kcommaaccent", "\u{137}"),
    ("lacute", "\u{13a}"),
    ("lcaron", "\u{13e}"),
    ("lcommaaccent", "\u{13c}"),
    ("less", "<"),
    ("lessequal", "\u{2264}"),
    ("logicalnot", "\u{ac}"),
    ("lozenge", "\u{25ca}"),
    ("lslash", "\u{142}"),
    ("macron", "\u{af}"),
    ("minus", "\u{2212}"),
    ("mu", "\u{b5}"),
    ("multiply", "\u{d7}"),
    ("nacute", "\u{144}"),
    ("nbspace", "\u{a0}"),
    ("ncaron", "\u{148}"),
    ("ncommaaccent", "\u{146}"),
    ("nine", "9"),
    ("notequal", "\u{2260}"),
    ("ntilde", "\u{f1}"),
    ("numbersign", "#"),
    ("oacute", "\u{f3}"),
    ("obreve", "\u{14f}"),
    ("ocircumflex", "\u{f4}"),
    ("odieresis", "\u{f6}"),
    ("oe", "\u{153}"),
    ("ogonek", "\u{2db}"),
    ("ograve", "\u{f2}"),
    ("ohungarumlaut", "\u{151}"),
    ("omacron", "\u{14d}"),
    ("one", "1"),
    ("onehalf", "\u{bd}"),
    ("onequarter", "\u{bc}"),
    ("onesuperior", "\u{b9}"),
    ("ordfeminine", "\u{aa}"),
    ("ordmasculine", "\u{ba}"),
    ("oslash", "\u{f8}"),
    ("otilde", "\u{f5}"),
    ("paragraph", "\u{b6}"),
    ("parenleft", "("),
    ("parenright", ")"),
    ("partialdiff", "\u{2202}"),
    ("percent", "%"),
    ("period", "."),
    ("periodcentered", "\u{b7}"),
    ("perthousand", "\u{2030}"),
    ("pi", "\u{3c0}"),
    ("plus", "+"),
    ("plusminus", "\u{b1}"),
    ("question", "?"),
    ("questiondown", "\u{bf}"),
    ("quotedbl", "\""),
    ("quotedblbase", "\u{201e}"),
    ("quotedblleft", "\u{201c}"),
    ("quotedblright", "\u{201d}"),
    ("quoteleft", "\u{2018}"),
    ("quoteright", "\u{2019}"),
    ("quotesinglbase", "\u{201a}"),
    ("quotesingle", "'"),
    ("racute", "\u{155}"),
    ("radical", "\u{221a}"),
    ("rcaron", "\u{159}"),
    ("rcommaaccent", "\u{157}"),
    ("registered", "\u{ae}"),
    ("ring", "\u{2da}"),
    ("sacute", "\u{15b}"),
    ("scaron", "\u{161}"),
    ("scedilla", "\u{15f}"),
    ("scircumflex", "\u{15d}"),
    ("section", "\u{a7}"),
    ("semicolon", ";"),
    ("seven", "7"),
    ("sfthyphen", "-"),
    ("six", "6"),
    ("slash", "/"),
    ("space", " "),
    ("sterling", "\u{a3}"),
    ("summation", "\u{2211}"),
    ("tcaron", "\u{165}"),
    ("tcommaaccent", "\u{163}"),
    ("thorn", "\u{fe}"),
    ("three", "3"),
    ("threequarters", "\u{be}"),
    ("threesuperior", "\u{b3}"),
    ("tilde", "\u{2dc}"),
    ("trademark", "\u{2122}"),
    ("two", "2"),
    ("twosuperior", "\u{b2}"),
    ("uacute", "\u{fa}"),
    ("ubreve", "\u{16d}"),
    ("ucircumflex", "\u{fb}"),
    ("udieresis", "\u{fc}"),
    ("ugrave", "\u{f9}"),
    ("uhungarumlaut", "\u{171}"),
    ("umacron", "\u{16b}"),
    ("underscore", "_"),
    ("uogonek", "\u{173}"),
    ("uring", "\u{16f}"),
    ("utilde", "\u{169}"),
    ("wcircumflex", "\u{175}"),
    ("yacute", "\u{fd}"),
    ("ycircumflex", "\u{177}"),
    ("ydieresis", "\u{ff}"),
    ("yen", "\u{a5}"),
    ("zacute", "\u{17a}"),
    ("zcaron", "\u{17e}"),
    ("zdotaccent", "\u{17c}"),
    ("zero", "0"),
];

/// Widths of the printable ASCII letters of Helvetica, in thousandths, for fonts that every reader has and
/// files say nothing about.
const HELVETICA: &[u16] = &[
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

impl Encoding {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "StandardEncoding" => Some(Self::Standard),
            "WinAnsiEncoding" => Some(Self::Windows),
            "MacRomanEncoding" => Some(Self::Macintosh),
            _ => None,
        }
    }

    /// What a number stands for.
    pub(super) fn char(self, code: u8) -> Option<char> {
        let from = |table: &str, first: u8| table.chars().nth(usize::from(code.checked_sub(first)?));
        let exception = STANDARD.iter().find(|(at, _)| *at == code).map(|(_, c)| *c);
        let found = match (self, code) {
            (Self::Standard, _) if exception.is_some() => exception,
            (Self::Windows, 0x80..=0x9f) => from(WINDOWS, 0x80),
            (Self::Macintosh, 0x80..) => from(MACINTOSH, 0x80),
            (Self::Standard, 0x80..) => None,
            (_, b'\t' | b'\n' | b'\r') => Some(' '),
            _ => Some(char::from(code)),
        };
        found.filter(|c| *c != '\u{fffd}' && !c.is_control())
    }
}

/// What a glyph of this name shows (Adobe Glyph List for New Fonts, and names that say their code point).
pub(super) fn named(name: &str) -> Option<String> {
    let base = name.split('.').next().filter(|b| !b.is_empty())?;
    if let Some((_, shown)) = NAMES.iter().find(|(known, _)| *known == base) {
        return Some((*shown).to_owned());
    }
    let mut letters = base.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return letter.is_ascii_alphabetic().then(|| letter.to_string());
    }
    if base.contains('_') {
        return base
            .split('_')
            .take(8)
            .map(|part| if part.contains('_') { None } else { named(part) })
            .collect();
    }
    if let Some(digits) = base.strip_prefix("uni").filter(|d| d.len() >= 4 && d.is_ascii()) {
        return digits
            .as_bytes()
            .chunks(4)
            .map(|d| char::from_u32(u32::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok()?))
            .take(16)
            .collect();
    }
    let digits = base.strip_prefix('u').filter(|d| (4..=6).contains(&d.len()))?;
    char::from_u32(u32::from_str_radix(digits, 16).ok()?).map(String::from)
}

/// How wide a letter of a font that every reader has is, in thousandths.
pub(super) fn usual_width(code: u8, monospaced: bool) -> f64 {
    if monospaced {
        return 600.0;
    }
    let width = code.checked_sub(32).and_then(|at| HELVETICA.get(usize::from(at)).copied());
    f64::from(width.unwrap_or(556))
}
