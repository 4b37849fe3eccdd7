//! Papers that tell somebody what to do, or that people hand to a model with a task: manuals, exercises,
//! tickets, contracts, applications, records of a registry, scripts and settings. Orders are what such papers
//! are made of, so an attack in them has to differ by more than its mood.

use super::documents::Writer;

/// A manual page: synopsis, options, examples.
pub(super) fn manual(page: &mut Writer<'_>) {
    let (name, about) = (page.rule("pseudo"), page.order());
    page.raw(&format!(
        "NAME\n    {name} - {about}\nSYNOPSIS\n    {name} [OPTION]... FILE\nDESCRIPTION\n    "
    ));
    let n = 3 + page.draw.below(5);
    let here = page.place(n);
    for i in 0..n {
        let (option, about) = (page.rule("pseudo"), page.order());
        let short = option.chars().next().unwrap_or('x');
        page.raw(&format!("\n    -{short}, --{option}\n        {about}"));
        page.inner_if(here == Some(i), " ");
    }
    let tail = page.order();
    page.raw(&format!("\nNOTES\n    {tail}\n"));
}

/// Steps of a tutorial, a recipe or an exercise.
pub(super) fn exercise(page: &mut Writer<'_>) {
    let title = page.line();
    page.raw(&format!("# {title}\n\n"));
    let n = 3 + page.draw.below(6);
    let here = page.place(n);
    let bullets = page.draw.one_in(3);
    for i in 0..n {
        let step = page.order();
        if bullets {
            page.raw(&format!("- {step}"));
        } else {
            page.raw(&format!("{}. {step}", i + 1));
        }
        page.inner_if(here == Some(i), " ");
        page.raw("\n");
    }
    if page.draw.one_in(2) {
        let (command, line) = (page.rule("pseudo"), page.order());
        page.raw(&format!("\n```\n$ {command} --help\n{line}\n```\n"));
    }
}

/// A ticket with comments, or a list of changes.
pub(super) fn ticket(page: &mut Writer<'_>) {
    let (number, title, person) = (page.number(9999), page.order(), page.rule("person"));
    page.raw(&format!("#{number} {title}\nStatus: open  Assigned: {person}\n\n"));
    let n = 2 + page.draw.below(4);
    let here = page.place(n);
    for i in 0..n {
        let person = page.rule("person");
        let text = if page.draw.one_in(2) { page.order() } else { page.line() };
        page.raw(&format!("{person} wrote: {text}"));
        page.inner_if(here == Some(i), " ");
        page.raw("\n");
    }
}

/// What a version control system tells of its history.
pub(super) fn commits(page: &mut Writer<'_>) {
    let n = 2 + page.draw.below(6);
    let here = page.place(n);
    let long = page.draw.one_in(2);
    for i in 0..n {
        let (hash, subject) = (page.rule("hex"), page.order());
        if long {
            let person = page.rule("person");
            page.raw(&format!("commit {hash}\nAuthor: {person}\n\n    {subject}\n\n"));
        } else {
            page.raw(&format!("{hash} {subject}\n"));
        }
        page.inner_if(here == Some(i), "    ");
        page.raw("\n");
    }
}

/// Numbered clauses.
pub(super) fn contract(page: &mut Writer<'_>) {
    let n = 3 + page.draw.below(6);
    let here = page.place(n);
    for i in 0..n {
        let (one, two) = (page.order(), page.line());
        page.raw(&format!("§ {}  {one} {two}", i + 1));
        page.inner_if(here == Some(i), " ");
        page.raw("\n\n");
    }
}

/// A curriculum vitae with a letter.
pub(super) fn application(page: &mut Writer<'_>) {
    let (person, mail, number) = (page.rule("person"), page.rule("mail"), page.number(9999));
    page.raw(&format!("{person}\n{mail} | {number} {number}\n\n"));
    let n = 3 + page.draw.below(3);
    let here = page.place(n);
    for i in 0..n {
        let (company, from, line) = (page.rule("company"), 1990 + page.draw.below(30), page.line());
        page.raw(&format!("{from}-{} {company}: {line}", from + 1 + i));
        page.inner_if(here == Some(i), "\n");
        page.raw("\n");
    }
    page.paragraph(false);
}

/// A record about a domain, a device or a parcel.
pub(super) fn registry(page: &mut Writer<'_>) {
    const KEYS: [&str; 12] = [
        "Domain",
        "Registrar",
        "Status",
        "Updated",
        "Name Server",
        "Registrant",
        "Remarks",
        "Comment",
        "Source",
        "Terms",
        "Abuse contact",
        "Description",
    ];
    let n = 5 + page.draw.below(6);
    let here = page.place(n);
    for i in 0..n {
        let key = page.draw.pick(&KEYS).copied().unwrap_or_default();
        let value = match page.draw.below(4) {
            0 => page.rule("host"),
            1 => page.rule("company"),
            2 => page.order(),
            _ => page.rule("mail"),
        };
        page.raw(&format!("{key}: {value}"));
        page.inner_if(here == Some(i), " ");
        page.raw("\n");
    }
}

/// A report with findings, or a text with a question about it.
pub(super) fn report(page: &mut Writer<'_>) {
    let title = page.line();
    page.raw(&format!("{title}\n\n"));
    page.paragraphs(3, "", "\n\n");
    let n = 1 + page.draw.below(4);
    for i in 0..n {
        let (finding, advice) = (page.line(), page.order());
        page.raw(&format!("{}. {finding} {advice}\n", i + 1));
    }
}

/// A passage that quotes what is written to models.
pub(super) fn article(page: &mut Writer<'_>) {
    page.paragraph(false);
    let quoted = page.rule_or("b.quoted", "b.security");
    page.raw(&format!("\n\n{quoted} "));
    page.paragraphs(2, "", "\n\n");
    let more = page.rule_or("b.security", "d.line");
    page.raw(&more);
}

/// Descriptions of fields and calls.
pub(super) fn interface(page: &mut Writer<'_>) {
    let (tool, about) = (page.rule("tool"), page.order());
    page.raw(&format!("{tool}(self, request)\n\n{about}\n\nParameters:\n"));
    let n = 2 + page.draw.below(4);
    let here = page.place(n);
    for i in 0..n {
        let (name, about) = (page.rule("pseudo"), page.order());
        page.raw(&format!("  {name} (str): {about}"));
        page.inner_if(here == Some(i), " ");
        page.raw("\n");
    }
    let returns = page.line();
    page.raw(&format!("Returns:\n  {returns}\n"));
}

/// A shell script.
pub(super) fn script(page: &mut Writer<'_>) {
    page.raw("#!/bin/sh\nset -e\n");
    let n = 3 + page.draw.below(6);
    let here = page.place(n);
    for i in 0..n {
        let (name, words) = (page.rule("pseudo"), page.order());
        let line = match page.draw.below(6) {
            0 => format!("echo \"{words}\""),
            1 => format!("# {words}"),
            2 => format!("{name}=\"$(cat /etc/{name}.conf)\"  # {words}"),
            3 => format!("if [ -z \"${name}\" ]; then echo >&2 \"{words}\"; exit 1; fi"),
            4 => format!("read -p \"{words}\" {name}"),
            _ => format!("{name} --system --prompt \"${name}\" | grep -v ignore"),
        };
        page.raw(&line);
        if here == Some(i) {
            let before = if page.draw.one_in(2) { "\n# " } else { "\n: " };
            page.raw(before);
            page.inner();
        }
        page.raw("\n");
    }
}

/// Settings with words for people in them.
pub(super) fn settings(page: &mut Writer<'_>) {
    let (open, between, close) = *page
        .draw
        .pick(&[
            ("", ": ", ""),
            ("", " = \"", "\""),
            ("\"", "\": \"", "\","),
            ("<", ">", "</"),
            ("<", " priority=\"high\">", "</"),
        ])
        .unwrap_or(&("", ": ", ""));
    let n = 3 + page.draw.below(7);
    let here = page.place(n);
    for i in 0..n {
        const KEYS: [&str; 10] = [
            "system",
            "prompt",
            "instructions",
            "description",
            "message",
            "help",
            "role",
            "override",
            "title",
            "rules",
        ];
        let key = page.draw.pick(&KEYS).copied().unwrap_or_default();
        page.raw(&format!("{open}{key}{between}"));
        if here == Some(i) {
            page.inner();
        } else {
            let value = match page.draw.below(4) {
                0 => page.rule("pseudo"),
                1 => page.line(),
                2 => page.order(),
                _ => page.number(999),
            };
            page.raw(&value);
        }
        page.raw(close);
        if close == "</" {
            page.raw(&format!("{key}>"));
        }
        page.raw("\n");
    }
}

/// A program whose comments and messages are sentences.
pub(super) fn program(page: &mut Writer<'_>) {
    let n = 2 + page.draw.below(4);
    let here = page.place(n);
    let style = page.draw.below(4);
    for i in 0..n {
        let (name, other, words, more) =
            (page.rule("pseudo"), page.rule("pseudo"), page.order(), page.line());
        let (open, close) = match style {
            0 => {
                (format!("def {name}({other}):\n    \"\"\"{words}"), format!("\"\"\"\n    return {other}\n"))
            }
            1 => (
                format!("/**\n * {words}"),
                format!("\n */\nint {name}(int {other}) {{ return {other} + 1; }}\n"),
            ),
            2 => (
                format!("/// {words}"),
                format!("\npub fn {name}({other}: &str) -> bool {{\n    {other}.is_empty()\n}}\n"),
            ),
            _ => (
                format!("function {name}({other}) {{\n  // {words}"),
                format!("\n  throw new Error(\"{more}\");\n}}\n"),
            ),
        };
        page.raw(&open);
        page.inner_if(here == Some(i), " ");
        page.raw(&close);
    }
}
