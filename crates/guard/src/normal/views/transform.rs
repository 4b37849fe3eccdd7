//! What can be undone to read a text, and how much it says that it was.

/// What was undone to get at a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Transform {
    /// A payload in tag characters.
    Tags,
    /// A payload in variation selectors.
    VariationSelectors,
    /// A payload in zero-width characters.
    ZeroWidth,
    /// Base64, in either alphabet.
    Base64,
    /// Hexadecimal.
    Hex,
    /// Base32.
    Base32,
    /// Ascii85 or Base85.
    Base85,
    /// Base58, Base62 or Base36: digits of one number.
    Base58,
    /// Base45.
    Base45,
    /// Uuencoding.
    Uuencoded,
    /// Bytes under exclusive or.
    Xored,
    /// Percent-encoding.
    Percent,
    /// Character references of HTML.
    Entities,
    /// Escapes of programming languages and style sheets.
    Escapes,
    /// Quoted-printable.
    QuotedPrintable,
    /// UTF-8 that was taken for a code page.
    Mistaken,
    /// UTF-7.
    Utf7,
    /// Punycode.
    Punycode,
    /// Decimal, octal or binary code points, or places in the alphabet.
    CodePoints,
    /// Morse code.
    Morse,
    /// Bacon's cipher.
    Bacon,
    /// Braille cells.
    Braille,
    /// The NATO alphabet.
    Nato,
    /// Letters moved on in the alphabet.
    Caesar {
        /// By how many places they were moved back.
        shift: u8,
    },
    /// Letters moved on in the alphabet, by more places from each to the next, or from word to word.
    Stepped,
    /// The alphabet backwards.
    Atbash,
    /// Letters exchanged by an alphabet that the text states.
    Keyed,
    /// Letters multiplied and moved on in the alphabet.
    Affine,
    /// A cipher whose key word the text states.
    KeyWord,
    /// Keys beside those that were meant, or of another keyboard.
    Keyboard,
    /// Printable ASCII turned by 47.
    Rot47,
    /// The characters of the basic multilingual plane turned by half of them.
    Rot8000,
    /// Capitals and small letters changed for each other.
    CaseSwapped,
    /// Characters backwards.
    Reversed,
    /// The characters of each word backwards.
    WordsReversed,
    /// Letters written in a zigzag over rows, and read off row by row.
    Rails {
        /// How many rows.
        rails: u8,
    },
    /// Letters written in rows and read off by columns, or the other way round.
    Columns {
        /// How many columns.
        columns: u8,
    },
    /// Letters of a grid read another way than row by row.
    Grid,
    /// Words in the opposite order.
    WordOrder,
    /// Pig Latin.
    PigLatin,
    /// Letters set apart, or words run together.
    Spacing,
    /// Each letter more than once.
    Repeated,
    /// The same letters put into every word.
    Inserted,
    /// Letters of another script for those of Latin that sound alike.
    Transliterated,
    /// Signs inside words.
    Joined,
    /// First letters of lines.
    Acrostic,
    /// A word in each cell of a table.
    Cells,
    /// Numbered pieces out of order.
    Ordered,
    /// Digits and signs for letters.
    Leet,
    /// Letters of another script in words that have no others.
    LookAlikes,
    /// Slips of the finger: letters swapped, doubled, left out or taken for their neighbours.
    Slips,
    /// Vowels left out.
    Vowels,
    /// String literals put together.
    Concatenated,
    /// Markup between letters.
    Markup,
    /// What a page says out of sight, by itself.
    Hidden,
    /// What data or a program hands on, by itself.
    Framed,
    /// Letters upside down.
    UpsideDown,
    /// As a direction override draws it.
    Drawn,
}

impl Transform {
    /// Whether all of it, or each word, was read from its end.
    pub(super) const fn turns_round(&self) -> bool {
        matches!(self, Self::Reversed | Self::WordsReversed)
    }

    /// Whether letters were exchanged or stood in another order.
    pub(super) const fn is_cipher(&self) -> bool {
        matches!(
            self,
            Self::Caesar { .. }
                | Self::Stepped
                | Self::Atbash
                | Self::Keyed
                | Self::Affine
                | Self::KeyWord
                | Self::Keyboard
                | Self::Columns { .. }
                | Self::Grid
                | Self::Rails { .. }
                | Self::Reversed
                | Self::WordsReversed
                | Self::PigLatin
                | Self::Spacing
        )
    }

    /// Whether it is only read where language or an encoding comes out, so that it proves a guess before it. Letters in
    /// another order are soon in yet another one, in which only rails show.
    pub(super) const fn proves(&self, guess: Option<&Self>) -> bool {
        match guess {
            Some(Self::Rails { .. } | Self::WordsReversed) => matches!(self, Self::Rails { .. }),
            Some(Self::Atbash | Self::PigLatin | Self::Leet) => self.is_cipher(),
            _ => !matches!(
                self,
                Self::Framed
                    | Self::Hidden
                    | Self::Markup
                    | Self::Concatenated
                    | Self::WordOrder
                    | Self::Joined
            ),
        }
    }

    /// How little it says that something was undone: an encoding has a form that nothing else has, letters in another
    /// order may be a name.
    pub(super) const fn doubt(&self) -> usize {
        match self {
            Self::Leet
            | Self::Slips
            | Self::Vowels
            | Self::WordOrder
            | Self::WordsReversed
            | Self::Reversed
            | Self::Concatenated
            | Self::Joined => 3,
            Self::Caesar { .. }
            | Self::Stepped
            | Self::Atbash
            | Self::Rot47
            | Self::Rot8000
            | Self::PigLatin
            | Self::Inserted
            | Self::Transliterated
            | Self::Affine
            | Self::KeyWord
            | Self::Keyboard
            | Self::Columns { .. }
            | Self::Grid
            | Self::Rails { .. }
            | Self::Spacing
            | Self::Acrostic
            | Self::Cells => 2,
            _ => 1,
        }
    }

    /// Whether what was undone is a text of its own, so that it is read without what stands beside it, too.
    pub(super) const fn is_apart(&self) -> bool {
        matches!(
            self,
            Self::Base64
                | Self::Hex
                | Self::Base32
                | Self::Base85
                | Self::Base58
                | Self::Base45
                | Self::Uuencoded
                | Self::Xored
                | Self::CodePoints
                | Self::Morse
                | Self::Bacon
                | Self::Braille
                | Self::Entities
                | Self::Spacing
                | Self::Ordered
        )
    }

    /// Its name in reports and rules.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::VariationSelectors => "variation-selectors",
            Self::ZeroWidth => "zero-width",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Base32 => "base32",
            Self::Base85 => "base85",
            Self::Base58 => "base58",
            Self::Base45 => "base45",
            Self::Uuencoded => "uuencoded",
            Self::Xored => "xored",
            Self::Percent => "percent",
            Self::Entities => "entities",
            Self::Escapes => "escapes",
            Self::QuotedPrintable => "quoted-printable",
            Self::Mistaken => "mistaken",
            Self::Utf7 => "utf7",
            Self::Punycode => "punycode",
            Self::CodePoints => "code-points",
            Self::Morse => "morse",
            Self::Bacon => "bacon",
            Self::Braille => "braille",
            Self::Nato => "nato",
            Self::Caesar { .. } => "caesar",
            Self::Stepped => "stepped",
            Self::Atbash => "atbash",
            Self::Keyed => "keyed",
            Self::Affine => "affine",
            Self::KeyWord => "key-word",
            Self::Keyboard => "keyboard",
            Self::Rails { .. } => "rails",
            Self::Columns { .. } => "columns",
            Self::Grid => "grid",
            Self::Rot47 => "rot47",
            Self::Rot8000 => "rot8000",
            Self::CaseSwapped => "case-swapped",
            Self::Reversed => "reversed",
            Self::WordsReversed => "words-reversed",
            Self::WordOrder => "word-order",
            Self::PigLatin => "pig-latin",
            Self::Spacing => "spacing",
            Self::Repeated => "repeated",
            Self::Inserted => "inserted",
            Self::Transliterated => "transliterated",
            Self::Joined => "joined",
            Self::Acrostic => "acrostic",
            Self::Cells => "cells",
            Self::Ordered => "ordered",
            Self::Leet => "leet",
            Self::LookAlikes => "look-alikes",
            Self::Slips => "slips",
            Self::Vowels => "vowels",
            Self::Concatenated => "concatenated",
            Self::Markup => "markup",
            Self::Hidden => "hidden",
            Self::Framed => "framed",
            Self::UpsideDown => "upside-down",
            Self::Drawn => "drawn",
        }
    }
}
