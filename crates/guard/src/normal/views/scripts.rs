//! Words of a language in Latin letters that are written in letters which few of its readers write: runes, Ogham, Georgian,
//! Armenian, Gothic, Tifinagh, and Cherokee for what it looks like.
//!
//! What those scripts are meant for comes to no words of such a language, so that texts in them are left alone.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};
use std::sync::LazyLock;

use super::scan::{Scan, is_letter};
use super::words::{Likeness, convinces};
use super::{Reading, Transform};

/// Bytes by which a stretch is told, and most stretches.
const SAMPLE: usize = 600;
/// Fewest letters.
const LEAST: usize = 6;
const MOST: usize = 64;

/// A script, and for each of its letters what is written with it; of some letters people make another use.
struct Script {
    range: RangeInclusive<char>,
    letters: &'static str,
    otherwise: &'static str,
}

const SCRIPTS: [Script; 7] = [
    Script {
        range: '\u{16a0}'..='\u{16f8}',
        letters: "ᚠf ᚡv ᚢu ᚣy ᚦth ᚨa ᚩo ᚪa ᚫa ᚬo ᚱr ᚲk ᚳc ᚴk ᚷg ᚹw ᚺh ᚻh ᚼh ᚽh ᚾn ᚿn ᛁi ᛂe ᛃj ᛄj ᛅa ᛆa ᛇe ᛈp ᛉz ᛊs ᛋs ᛌs ᛍc ᛎz \
                  ᛏt ᛐt ᛑd ᛒb ᛓb ᛔp ᛕp ᛖe ᛗm ᛘm ᛙm ᛚl ᛛl ᛜng ᛝng ᛞd ᛟo ᛠea ᛡj ᛢq ᛣk ᛤg ᛥst ᛦy ᛩq ᛪx",
        otherwise: "ᚲc ᛇy ᛉx ᛃy ᚦt",
    },
    Script {
        range: '\u{1680}'..='\u{169c}',
        letters: "ᚁb ᚂl ᚃf ᚄs ᚅn ᚆh ᚇd ᚈt ᚉc ᚊq ᚋm ᚌg ᚍz ᚎy ᚏr ᚐa ᚑo ᚒu ᚓe ᚔi ᚕv ᚖk ᚗj ᚘw ᚙx ᚚp",
        otherwise: "ᚃv ᚎz ᚕk ᚘx",
    },
    Script {
        range: '\u{10d0}'..='\u{10f0}',
        letters: "აa ბb გg დd ეe ვv ზz თt იi კk ლl მm ნn ოo პp ჟj რr სs ტt უu ფf ქq ღg ყy შs ჩc ცc ძz წw ჭc ხx ჯj ჰh",
        otherwise: "ქk ფp ყq წt",
    },
    Script {
        range: '\u{561}'..='\u{587}',
        letters: "աa բb գg դd եe զz էe ըy թt ժj իi լl խx ծc կk հh ձz ղr ճc մm յy նn շs ոo չc պp ջj ռr սs վv տt րr ցc ւu փp քq օo ֆf",
        otherwise: "ւw քk յj",
    },
    Script {
        range: '\u{10330}'..='\u{1034a}',
        letters: "𐌰a 𐌱b 𐌲g 𐌳d 𐌴e 𐌵q 𐌶z 𐌷h 𐌸th 𐌹i 𐌺k 𐌻l 𐌼m 𐌽n 𐌾j 𐌿u 𐍀p 𐍂r 𐍃s 𐍄t 𐍅w 𐍆f 𐍇x 𐍈v 𐍉o",
        otherwise: "𐌺c 𐌾y 𐍅y 𐌸t",
    },
    Script {
        range: '\u{2d30}'..='\u{2d67}',
        letters: "ⴰa ⴱb ⵛc ⴷd ⴻe ⴼf ⴳg ⵀh ⵉi ⵊj ⴽk ⵍl ⵎm ⵏn ⵓu ⵒp ⵇq ⵔr ⵙs ⵜt ⵖv ⵡw ⵅx ⵢy ⵣz",
        otherwise: "ⵓo ⵡu ⵖg",
    },
    // By what its letters look like.
    Script {
        range: '\u{13a0}'..='\u{13f5}',
        letters: "Ꭰd Ꭱr Ꭲt Ꭵi Ꭹy Ꭺa Ꭻj Ꭼe Ꮁr Ꮃw Ꮇm Ꮋh Ꮍy Ꮎo Ꮐg Ꮑn Ꮒh Ꮓz Ꮖi Ꮗw Ꮙv Ꮚw Ꮛe Ꮜu Ꮞ4 Ꮟb Ꮢr Ꮤw Ꮥs Ꮦt Ꮩv Ꮪs Ꮭl Ꮮl Ꮯc Ꮲp \
                  Ꮳg Ꮴv Ꮶk Ꮷd Ꮻo Ꮼw Ꮾ6 Ᏻg Ᏼb Ꮅp Ꮀf Ꮈw",
        otherwise: "Ꮎn Ꮑo Ꮅq Ꮔq",
    },
];

type Table = HashMap<char, &'static str>;

/// For each script the letters as they are used, one way and another.
static TABLES: LazyLock<Vec<[Table; 2]>> = LazyLock::new(|| {
    let pairs = |letters: &'static str| {
        letters.split_ascii_whitespace().filter_map(|pair| Some((pair.chars().next()?, pair)))
    };
    let table = |letters| -> Table {
        pairs(letters).filter_map(|(c, pair)| Some((c, pair.get(c.len_utf8()..)?))).collect()
    };
    SCRIPTS
        .iter()
        .map(|script| {
            let mut other = table(script.letters);
            other.extend(table(script.otherwise));
            [table(script.letters), other]
        })
        .collect()
});

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    // How their letters begin in UTF-8.
    let begins = |bytes: &[u8]| bytes.iter().map(|byte| scan.has(*byte)).sum::<usize>();
    let may_have = begins(&[0xd4, 0xd5, 0xd6, 0xe1, 0xea, 0xf0]) >= LEAST
        || begins(&[0xb4, 0xb5]).min(scan.has(0xe2)) >= LEAST;
    if !may_have {
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for (script, range, _) in
        stretches(scan.text).into_iter().filter(|(.., letters)| *letters >= LEAST).take(MOST)
    {
        let (Some(text), Some(tables)) = (scan.text.get(range.clone()), TABLES.get(script)) else { continue };
        let sample = text.get(..text.floor_char_boundary(SAMPLE)).unwrap_or(text);
        let known = |table: &&Table| Likeness::of(latin(sample, table).as_bytes()).known;
        let said = tables
            .iter()
            .rev()
            .max_by_key(known)
            .filter(|table| convinces(sample.as_bytes(), latin(sample, table).as_bytes()));
        edits.extend(said.map(|table| (range, latin(text, table))));
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Transliterated, edits));
    }
}

/// Stretches of letters of one script, with signs between them but no letters of another one, and how many letters each has.
fn stretches(text: &str) -> Vec<(usize, Range<usize>, usize)> {
    let mut found: Vec<(usize, Range<usize>, usize)> = Vec::new();
    let mut open = false;
    for (at, c) in text.char_indices() {
        // Han, kana and Hangul are none of them, and many.
        if c < '\u{531}' || matches!(c, '\u{2e80}'..='\u{a4ff}' | '\u{ac00}'..='\u{d7ff}') {
            open = open && !is_letter(c);
            continue;
        }
        let script = SCRIPTS.iter().position(|script| script.range.contains(&as_written(c)));
        let end = at + c.len_utf8();
        match (script, found.last_mut()) {
            (Some(script), Some((last, range, letters))) if open && *last == script => {
                range.end = end;
                *letters += 1;
            }
            (Some(script), _) => {
                found.push((script, at..end, 1));
                open = true;
            }
            (None, _) => open = open && !is_letter(c),
        }
    }
    found
}

/// The letter as which the tables have it: small ones of Armenian and Georgian, capitals of Cherokee.
fn as_written(c: char) -> char {
    let moved = |from: char, to: u32| char::from_u32(u32::from(c) - u32::from(from) + to).unwrap_or(c);
    match c {
        '\u{531}'..='\u{556}' => moved('\u{531}', 0x561),
        '\u{10a0}'..='\u{10c5}' => moved('\u{10a0}', 0x10d0),
        '\u{1c90}'..='\u{1cba}' => moved('\u{1c90}', 0x10d0),
        '\u{ab70}'..='\u{abbf}' => moved('\u{ab70}', 0x13a0),
        '\u{13f8}'..='\u{13fd}' => moved('\u{13f8}', 0x13f0),
        c => c,
    }
}

fn latin(text: &str, table: &Table) -> String {
    let mut said = String::with_capacity(text.len());
    for c in text.chars() {
        match table.get(&as_written(c)) {
            Some(sound) => said.push_str(sound),
            None => said.push(c),
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_strange_letters_are_read_and_texts_of_their_own_are_not() {
        let said = |text: &str| {
            let mut readings = Vec::new();
            read(&Scan::of(text), &mut readings);
            readings.into_iter().flat_map(|reading| reading.edits).map(|(_, said)| said).collect::<Vec<_>>()
        };
        let expected = "bring the blue folder and tell the others";
        for text in [
            "ᛒᚱᛁᚾᚷ ᛏᚺᛖ ᛒᛚᚢᛖ ᚠᛟᛚᛞᛖᚱ ᚨᚾᛞ ᛏᛖᛚᛚ ᛏᚺᛖ ᛟᛏᚺᛖᚱᛋ",
            "ბრინგ ტჰე ბლუე ფოლდერ ანდ ტელლ ტჰე ოტჰერს",
            "ᲑᲠᲘᲜᲒ ᲢᲰᲔ ᲑᲚᲣᲔ ᲤᲝᲚᲓᲔᲠ ᲐᲜᲓ ᲢᲔᲚᲚ ᲢᲰᲔ ᲝᲢᲰᲔᲠᲡ",
            &("ᚠa ".repeat(80) + "ᛒᚱᛁᚾᚷ ᛏᚺᛖ ᛒᛚᚢᛖ ᚠᛟᛚᛞᛖᚱ ᚨᚾᛞ ᛏᛖᛚᛚ ᛏᚺᛖ ᛟᛏᚺᛖᚱᛋ"),
            "ᚁᚏᚔᚅᚌ ᚈᚆᚓ ᚁᚂᚒᚓ ᚃᚑᚂᚇᚓᚏ ᚐᚅᚇ ᚈᚓᚂᚂ ᚈᚆᚓ ᚑᚈᚆᚓᚏᚄ",
            "𐌱𐍂𐌹𐌽𐌲 𐍄𐌷𐌴 𐌱𐌻𐌿𐌴 𐍆𐍉𐌻𐌳𐌴𐍂 𐌰𐌽𐌳 𐍄𐌴𐌻𐌻 𐍄𐌷𐌴 𐍉𐍄𐌷𐌴𐍂𐍃",
            "ⴱⵔⵉⵏⴳ ⵜⵀⴻ ⴱⵍⵓⴻ ⴼⵍⴷⴻⵔ ⴰⵏⴷ ⵜⴻⵍⵍ ⵜⵀⴻ ⵜⵀⴻⵔⵙ",
        ] {
            let found = said(text).concat();
            assert!(found == expected || found.starts_with("bring the blue f"), "{text}: {found}");
        }
        for text in [
            "გამარჯობა, დღეს კარგი ამინდია და ჩვენ სასეირნოდ მივდივართ მთაში",
            "Բարև ձեզ, այսօր լավ եղանակ է և մենք գնում ենք զբոսնելու քաղաքում",
            "ᎣᏏᏲ ᏙᎯᏧ ᎠᏂᏴᏫᏯ ᏚᏂᎾᏗᏫᏍᎬ ᎤᎾᏙᏢᏒ ᏣᎳᎩ",
        ] {
            assert!(said(text).is_empty(), "{text}: {:?}", said(text));
        }
    }
}
