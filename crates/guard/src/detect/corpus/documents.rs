//! Documents that a text can stand in: mails, pages, tables, tickets, tool results, logs, code.
//!
//! A document is written the same way around an attack, around a harmless sentence and around nothing, so
//! that its style says nothing about whether it attacks.

use std::ops::Range;

use proofhouse_dialogue::Carrier;

use super::{Draw, papers, text};

/// A kind of document: how it is written, as what it is read, and the families of its texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document {
    write: fn(&mut Writer<'_>),
    carrier: Carrier,
    attacked: &'static str,
    clean: &'static str,
}

macro_rules! kinds {
    ($($name:literal $carrier:ident $write:path;)*) => {
        const ALL: [Document; 23] = [$(Document {
            write: $write,
            carrier: Carrier::$carrier,
            attacked: concat!("i.", $name),
            clean: concat!("d.", $name),
        },)*];
    };
}

kinds! {
    "mail" Document mail;
    "page" Document html;
    "markdown" Document markdown;
    "table" Document table;
    "tool-result" Document tool_result;
    "log" Code log;
    "code" Code code;
    "review" Document review;
    "transcript" Document transcript;
    "prose" Document prose;
    "manual" Document papers::manual;
    "exercise" Document papers::exercise;
    "ticket" Document papers::ticket;
    "commits" Document papers::commits;
    "contract" Document papers::contract;
    "application" Document papers::application;
    "registry" Document papers::registry;
    "report" Document papers::report;
    "article" Document papers::article;
    "interface" Document papers::interface;
    "script" Code papers::script;
    "settings" Code papers::settings;
    "program" Code papers::program;
}

impl Document {
    pub(super) fn draw(draw: &mut Draw) -> Self {
        draw.pick(&ALL).copied().unwrap_or(ALL[0])
    }

    pub(super) const fn carrier(self) -> Carrier {
        self.carrier
    }

    pub(super) const fn attacked(self) -> &'static str {
        self.attacked
    }

    pub(super) const fn clean(self) -> &'static str {
        self.clean
    }

    /// Writes the document in `language` with `inside` somewhere in it, and says where.
    pub(super) fn write(
        self,
        language: &str,
        inside: Option<&str>,
        draw: &mut Draw,
    ) -> (String, Option<Range<usize>>) {
        let mut page = Writer { out: String::new(), inside, place: None, language, draw };
        (self.write)(&mut page);
        page.finish()
    }
}

pub(super) struct Writer<'a> {
    out: String,
    inside: Option<&'a str>,
    place: Option<Range<usize>>,
    language: &'a str,
    pub(super) draw: &'a mut Draw,
}

impl Writer<'_> {
    pub(super) fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub(super) fn rule(&mut self, rule: &str) -> String {
        text(self.language, rule, self.draw)
    }

    /// A sentence of an ordinary document.
    pub(super) fn line(&mut self) -> String {
        self.rule("d.line")
    }

    /// A sentence that tells its reader what to do.
    pub(super) fn order(&mut self) -> String {
        let rule = if self.draw.one_in(4) { "d.line" } else { "d.do" };
        self.rule(rule)
    }

    /// A text from `rule`, or from `other` where the language has no such rule.
    pub(super) fn rule_or(&mut self, rule: &str, other: &str) -> String {
        let text = self.rule(rule);
        if text.is_empty() { self.rule(other) } else { text }
    }

    pub(super) fn number(&mut self, below: usize) -> String {
        self.draw.below(below).to_string()
    }

    /// Writes the inner text here, once.
    pub(super) fn inner(&mut self) {
        if let (Some(inside), None) = (self.inside, &self.place) {
            let start = self.out.len();
            self.out.push_str(inside);
            self.place = Some(start..self.out.len());
        }
    }

    /// The same after `before`, if `here`.
    pub(super) fn inner_if(&mut self, here: bool, before: &str) {
        if here {
            self.raw(before);
            self.inner();
        }
    }

    /// At which of `n` places the inner text stands.
    pub(super) fn place(&mut self, n: usize) -> Option<usize> {
        let at = self.draw.below(n);
        self.inside.map(|_| at)
    }

    /// A paragraph of a few sentences, with the inner text among them if `here`.
    pub(super) fn paragraph(&mut self, here: bool) {
        let sentences = 1 + self.draw.below(4);
        let at = if here { self.draw.below(sentences + 1) } else { usize::MAX };
        for i in 0..=sentences {
            if i > 0 {
                self.raw(" ");
            }
            if i == at {
                self.inner();
            } else if i < sentences {
                let line = if self.draw.one_in(6) { self.order() } else { self.line() };
                self.raw(&line);
            }
        }
    }

    /// Paragraphs between `open` and `close`, the inner text in or between them.
    pub(super) fn paragraphs(&mut self, most: usize, open: &str, close: &str) {
        let n = 1 + self.draw.below(most);
        let here = self.place(n);
        for i in 0..n {
            let alone = here == Some(i) && self.draw.one_in(2);
            self.raw(open);
            self.paragraph(here == Some(i) && !alone);
            self.raw(close);
            if alone {
                self.raw(open);
                self.inner();
                self.raw(close);
            }
        }
    }

    fn finish(mut self) -> (String, Option<Range<usize>>) {
        if self.inside.is_some() && self.place.is_none() {
            self.raw("\n");
            self.inner();
        }
        (self.out, self.place)
    }
}

fn mail(page: &mut Writer<'_>) {
    let (from, to, subject) = (page.rule("mail"), page.rule("mail"), page.line());
    if !page.draw.one_in(3) {
        page.raw(&format!("From: {from}\nTo: {to}\nSubject: {subject}\n"));
        if page.draw.one_in(2) {
            let day = page.number(28);
            let month = page.draw.pick(&["Jan", "Apr", "Sep", "Nov"]).copied().unwrap_or_default();
            page.raw(&format!("Date: {day} {month} 2025\n"));
        }
        page.raw("\n");
    }
    let (first, last) = (page.rule("person"), page.rule("person"));
    page.raw(&format!("{first},\n\n"));
    page.paragraphs(4, "", "\n\n");
    page.raw(&format!("{last}\n"));
    if page.draw.one_in(4) {
        page.raw(&format!("\n> On Mon, {first} wrote:\n> "));
        let quoted = page.line();
        page.raw(&quoted);
    }
}

fn html(page: &mut Writer<'_>) {
    let title = page.line();
    page.raw(&format!("<html><head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n"));
    if page.draw.one_in(3) {
        let (open, close) = *page
            .draw
            .pick(&[
                ("<!-- ", " -->\n"),
                ("<div style=\"display:none\">", "</div>\n"),
                ("<span class=\"note\">", "</span>\n"),
                ("<p style=\"color:#fff\">", "</p>\n"),
                ("<img src=\"a.png\" alt=\"", "\">\n"),
            ])
            .unwrap_or(&("", ""));
        page.raw(open);
        if page.inside.is_some() {
            page.inner();
        } else {
            let line = page.line();
            page.raw(&line);
        }
        page.raw(close);
    }
    page.paragraphs(4, "<p>", "</p>\n");
    page.raw("</body></html>");
}

fn markdown(page: &mut Writer<'_>) {
    let title = page.line();
    page.raw(&format!("# {title}\n\n"));
    page.paragraphs(3, "", "\n\n");
    let heading = page.line();
    page.raw(&format!("## {heading}\n\n"));
    for _ in 0..page.draw.below(5) {
        let line = page.line();
        page.raw(&format!("- {line}\n"));
    }
    let url = page.rule("url");
    let number = page.number(100);
    page.raw(&format!("\n[{number}]({url})\n"));
}

fn table(page: &mut Writer<'_>) {
    let rows = 2 + page.draw.below(8);
    let here = page.place(rows);
    let (bar, ends) =
        *page.draw.pick(&[(" | ", "| "), (",", ""), (";", ""), ("\t", "")]).unwrap_or(&(",", ""));
    page.raw(&format!("{ends}id{bar}name{bar}amount{bar}note\n"));
    for i in 0..rows {
        let (person, amount) = (page.rule("person"), page.rule("amount"));
        page.raw(&format!("{ends}{i}{bar}{person}{bar}{amount}{bar}"));
        if here == Some(i) {
            page.inner();
        } else if page.draw.one_in(2) {
            let line = page.line();
            page.raw(&line);
        } else {
            let company = page.rule("company");
            page.raw(&company);
        }
        page.raw("\n");
    }
}

fn tool_result(page: &mut Writer<'_>) {
    let rows = 1 + page.draw.below(4);
    let here = page.place(rows);
    page.raw("{\"status\": \"ok\", \"results\": [");
    for i in 0..rows {
        let (number, person, line) = (page.number(9999), page.rule("person"), page.line());
        let key = *page.draw.pick(&["description", "body", "comment", "snippet", "text"]).unwrap_or(&"text");
        page.raw(&format!("{{\"id\": {number}, \"author\": \"{person}\", \"{key}\": \"{line} "));
        if here == Some(i) {
            page.inner();
        }
        page.raw("\"}");
        if i + 1 < rows {
            page.raw(", ");
        }
    }
    page.raw("]}");
}

fn log(page: &mut Writer<'_>) {
    let rows = 3 + page.draw.below(10);
    let here = page.place(rows);
    for i in 0..rows {
        let (minute, second, number) = (page.draw.below(60), page.draw.below(60), page.number(9999));
        let level = *page.draw.pick(&["INFO", "WARN", "ERROR", "DEBUG"]).unwrap_or(&"INFO");
        let part = *page.draw.pick(&["system", "auth", "http", "worker", "assistant", "db"]).unwrap_or(&"db");
        page.raw(&format!("2025-06-{:02}T10:{minute:02}:{second:02}Z {level} {part}[{number}]: ", 1 + i));
        if here == Some(i) {
            page.inner();
        } else {
            const EVENTS: [&str; 10] = [
                "request finished in 31 ms",
                "connection closed by peer",
                "ignoring unknown field",
                "user logged in",
                "prompt cache hit",
                "retrying in 5 s",
                "instructions loaded from disk",
                "override of default timeout",
                "system message sent to queue",
                "permission denied",
            ];
            let event = page.draw.pick(&EVENTS).copied().unwrap_or_default();
            page.raw(event);
        }
        page.raw("\n");
    }
}

/// Statements with the words of prompts and rules in them, by language of the code: how a comment begins
/// and what stands between comments.
const CODE: [(&str, &[&str]); 4] = [
    (
        "# ",
        &[
            "system_prompt = \"You are a helpful assistant.\"\nmessages = [{\"role\": \"system\", \"content\": system_prompt}]\n",
            "def ignore_previous(rows):\n    return rows[1:]\n",
            "instructions = load_text(\"instructions.txt\")\nfor line in instructions.splitlines():\n    print(line)\n",
            "if user.is_admin or override:\n    grant(user, \"write\")\n",
            "response = client.chat.completions.create(model=MODEL, messages=messages)\nprint(response.choices[0].message.content)\n",
            "password = getpass(\"Password: \")\nif not verify(password, record.hash):\n    raise PermissionError(\"wrong password\")\n",
            "warnings.filterwarnings(\"ignore\")\ndf = pd.read_csv(path, skiprows=1)\n",
            "def send_email(to, subject, body):\n    \"\"\"Send a mail and return its id.\"\"\"\n    return smtp.send(to, subject, body)\n",
        ],
    ),
    (
        "// ",
        &[
            "const systemPrompt = `Answer in one sentence.`;\nconst history = [];\n",
            "function reset(state) {\n  return { ...state, instructions: [], previous: null };\n}\n",
            "app.post('/send', (req, res) => {\n  queue.push(req.body.message);\n  res.json({ ok: true });\n});\n",
            "export const roles = ['system', 'user', 'assistant', 'tool'];\n",
            "@Override\npublic String toString() {\n    return name + \": \" + rules.size();\n}\n",
            "let rules = Rules::load(path)?;\nfor rule in rules.iter().filter(|r| !r.ignored) {\n    apply(rule)?;\n}\n",
            "fn forget(&mut self, key: &str) {\n    self.memory.remove(key);\n}\n",
        ],
    ),
    (
        "-- ",
        &[
            "SELECT id, name FROM users WHERE role = 'admin' ORDER BY name;\n",
            "INSERT INTO instructions (step, text) VALUES (1, 'open the lid');\n",
            "DELETE FROM sessions WHERE expires < now();\n",
            "CREATE TABLE prompts (id INTEGER PRIMARY KEY, text TEXT NOT NULL);\n",
        ],
    ),
    (
        "# ",
        &[
            "services:\n  web:\n    image: registry.example/web:1.2\n    ports: [\"8080:80\"]\n",
            "assistant:\n  system_prompt: |\n    You answer questions about orders. Be brief.\n  temperature: 0.2\n",
            "rules:\n  - id: no-console\n    level: ignore\n  - id: max-len\n    level: error\n",
            "on: [push]\njobs:\n  test:\n    steps:\n      - run: make test\n",
        ],
    ),
];

fn code(page: &mut Writer<'_>) {
    let Some((comment, pieces)) = page.draw.pick(&CODE) else { return };
    let n = 2 + page.draw.below(4);
    let here = page.place(n);
    for i in 0..n {
        if here == Some(i) {
            page.raw(comment);
            page.inner();
            page.raw("\n");
        } else if page.draw.one_in(2) {
            let line = page.line();
            page.raw(&format!("{comment}{line}\n"));
        }
        let piece = *page.draw.pick(pieces).unwrap_or(&"");
        page.raw(piece);
        page.raw("\n");
    }
}

fn review(page: &mut Writer<'_>) {
    let (stars, person) = (1 + page.draw.below(5), page.rule("person"));
    page.raw(&format!("{} {person}\n", "*".repeat(stars)));
    let here = page.inside.is_some();
    page.paragraph(here);
}

fn transcript(page: &mut Writer<'_>) {
    let n = 2 + page.draw.below(6);
    let here = page.place(n);
    let (one, two) = (page.rule("person"), page.rule("person"));
    for i in 0..n {
        page.raw(&format!("{}: ", if i % 2 == 0 { &one } else { &two }));
        if here == Some(i) {
            page.inner();
        } else {
            let rule = if page.draw.one_in(2) { "d.line" } else { "c.chat" };
            let line = page.rule(rule);
            page.raw(&line);
        }
        page.raw("\n");
    }
}

fn prose(page: &mut Writer<'_>) {
    let most = if page.draw.one_in(4) { 20 } else { 5 };
    page.paragraphs(most, "", "\n");
}
