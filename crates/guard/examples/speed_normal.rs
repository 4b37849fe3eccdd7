//! Microseconds per KB of the normal form, for texts as a guard meets them:
//!
//! ```sh
//! cargo run --release -p proofhouse-guard --example speed_normal
//! ```

#![allow(clippy::print_stdout, reason = "its output is the table")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use proofhouse_guard::normal::{Budget, normalise};

const ENGLISH: &str = "Could you look over the attached report and tell me whether the figures of the third quarter \
    match what we discussed on Monday? I think the second table is missing two rows. Thanks, and no hurry. ";
const FRENCH: &str = "Pourriez-vous vérifier si la réunion de lundi est confirmée ? Nous avons reçu deux réponses, \
    mais l’adresse n’était pas indiquée. Merci d’avance et à bientôt, Hélène. ";
const RUSSIAN: &str = "Подскажите, пожалуйста, когда будет готов отчёт за третий квартал? Мы обсуждали его в понедельник, \
    и во второй таблице не хватает двух строк. ";
const JAPANESE: &str = "第三四半期の報告書を確認していただけますか。月曜日に話した数字と一致しているか知りたいです。二番目の表に行が足りません。";
const FINNISH: &str = "Voisitko tarkistaa, onko kolmannen neljanneksen raportti jo valmis? Maanantaina sovimme luvuista, \
    mutta toisesta taulukosta puuttuu kaksi rivia. Kiitos etukateen ja hyvaa viikonloppua. ";

fn main() {
    let repeated = |text: &str, bytes: usize| text.chars().cycle().take(bytes).collect::<String>();
    let noise: Vec<u8> = (0..6000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let image = format!(
        "See the picture: data:image/png;base64,{}\n",
        base64::engine::general_purpose::STANDARD.encode(noise)
    );
    let letter = base64::engine::general_purpose::STANDARD.encode(repeated(ENGLISH, 6000));
    let mut code = String::new();
    for i in 0..120 {
        let _ = writeln!(
            code,
            "    let total_{i} = rows.iter().filter(|r| r.kind == Kind::Paid).map(|r| r.amount * {i}).sum::<u64>();"
        );
    }
    let cases = [
        ("chat, ASCII, 200 B", repeated(ENGLISH, 200)),
        ("chat, ASCII, 8 KB", repeated(ENGLISH, 8192)),
        ("chat, French, 8 KB", repeated(FRENCH, 7900)),
        ("chat, Russian, 8 KB", repeated(RUSSIAN, 4600)),
        ("chat, Japanese, 8 KB", repeated(JAPANESE, 2730)),
        ("chat, unknown language, 8 KB", repeated(FINNISH, 8192)),
        ("code, 12 KB", code),
        ("document, ASCII, 256 KB", repeated(ENGLISH, 256 << 10)),
        ("base64 of an image, 8 KB", image),
        ("base64 of a letter, 8 KB", letter),
    ];
    println!("| text | us per KB | p50 us | p99 us | views |\n| --- | --- | --- | --- | --- |");
    for (name, text) in &cases {
        let budget = Budget::default();
        let mut times: Vec<Duration> = Vec::new();
        let until = Instant::now() + Duration::from_millis(300);
        let mut views = 0;
        while Instant::now() < until || times.len() < 20 {
            let start = Instant::now();
            let form = std::hint::black_box(normalise(std::hint::black_box(text), &budget));
            times.push(start.elapsed());
            views = form.views.len();
        }
        times.sort();
        let micros = |q: usize| times.get((times.len() - 1) * q / 100).map_or(0.0, |t| t.as_secs_f64() * 1e6);
        let kb = text.len() as f64 / 1024.0;
        println!("| {name} | {:.1} | {:.1} | {:.1} | {views} |", micros(50) / kb, micros(50), micros(99));
    }
}
