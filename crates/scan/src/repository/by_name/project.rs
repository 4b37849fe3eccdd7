//! What a project of Python's says that it needs, and where it is to be taken from: installing it fetches that and runs it.

use super::{toml, tools::at, trusts};
use crate::formats::shell;
use crate::scanner::{Content, Scanner};

pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, name: &str, text: &str) {
    match name {
        "pyproject.toml" | "uv.toml" | "pixi.toml" | "pipfile" | "hatch.toml" | "pdm.toml" => {
            addresses(scanner, content, text);
            described(scanner, content, text);
        }
        "setup.cfg" => {
            addresses(scanner, content, text);
            linked(scanner, content, text);
        }
        _ => {}
    }
}

/// Requirements with an address, by line: so they stand whatever else the file is.
fn addresses(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let text = text.replace('\r', "\n");
    let text = crate::lines::unescaped(&text);
    for line in text.lines().filter(|line| requires_address(line) && !line.trim_start().starts_with('#')) {
        if shell::foreign(line) {
            let shown: String = line.trim().chars().take(100).collect();
            let message = format!("is fetched from elsewhere: {shown:?}");
            scanner.report("repo/requirement", content.place.clone(), message);
        }
    }
}

/// Whether a line has a requirement that is fetched by its address (PEP 508: blanks around the sign may be left out).
fn requires_address(line: &str) -> bool {
    line.split('@').skip(1).any(|rest| {
        let rest = rest.trim_start();
        rest.split_once("://")
            .is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphabetic() || c == '+'))
    })
}

/// Packages by their address or repository, and the indices of packages, of Poetry, uv, PDM, Pixi and Pipenv.
fn described(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    const INDICES: [&str; 6] =
        ["index-url", "extra-index-url", "extra-index-urls", "find-links", "index_url", "channels"];
    for entry in toml::texts(text) {
        let table = entry.table.to_ascii_lowercase();
        let of = |names: &[&str]| names.iter().any(|name| table.split('.').any(|part| part == *name));
        let source = table.contains("dependencies")
            || table.contains("dependency-groups")
            || of(&["source", "sources", "index", "packages", "dev-packages", "find-links"]);
        let fetched = source && matches!(&*entry.key, "url" | "git" | "file" | "index" | "hg" | "svn");
        let value = entry.value.trim();
        if (fetched || INDICES.contains(&&*entry.key)) && trusts::foreign(value) {
            let shown: String = value.chars().take(100).collect();
            let message = format!("packages are fetched from elsewhere: {shown:?}");
            scanner.report("repo/requirement", at(content, entry.line), message);
        }
    }
}

/// Pages on which setuptools looks for what a project needs (`setup.cfg`, whose values go on in indented lines).
fn linked(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let mut links = false;
    for (line, index) in text.lines().zip(0u64..) {
        let mut value = line;
        if !line.starts_with([' ', '\t']) {
            let (key, behind) = line.split_once(['=', ':']).unwrap_or((line, ""));
            let key = key.trim().replace('-', "_");
            links = matches!(key.as_str(), "dependency_links" | "find_links");
            value = behind;
        }
        if links && !line.trim_start().starts_with(['#', ';']) && trusts::foreign(value.trim()) {
            let message = format!("packages are fetched from elsewhere: {:?}", value.trim());
            scanner.report("repo/requirement", at(content, index), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    fn outcome(name: &str, text: &str) -> Outcome {
        scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
    }

    #[test]
    fn packages_of_somebody_are_told_however_they_are_spelt() {
        for text in [
            "[tool.poetry.dependencies]\nx = {url = \"http://192.0.2.1/x.zip\"}\n",
            "[tool.poetry.dependencies.x]\n\"git\" = 'https://git.example.org/x'\n",
            "[tool.poetry.group.dev.dependencies]\nx = [{python = '3', url = \"http\\u003a//192.0.2.1/x.zip\"}]\n",
            "tool.uv.sources.x = { git = \"https://git.example.org/x\" }\n",
            "[tool.uv]\nsources = {x = {url = '''http://192.0.2.1/x.whl'''}}\n",
            "[[tool.uv.index]]\n\"url\" = \"\"\"http://192.0.2.1/simple\"\"\"\n",
            "[tool.uv]\nindex = [\n  {name = 'x', url = 'http://192.0.2.1/simple'},\n]\n",
            "[tool.uv]\nextra-index-url = [\n  \"http://192.0.2.1/simple\"\n]\n",
            "[tool.pdm.dev-dependencies]\ntest = [\"x @ http://192.0.2.1/x.zip\"]\n",
        ] {
            assert!(outcome("pyproject.toml", text) >= Outcome::Suspicious, "{text}");
        }
        for (name, text) in [
            ("setup.cfg", "[options]\ndependency_links = http://192.0.2.1/x.tar.gz\n"),
            ("setup.cfg", "[options]\ndependency_links:\n  # a\n  http://192.0.2.1/x.tar.gz\n"),
            ("uv.toml", "[[index]]\nurl = \"http\\u003a//192.0.2.1/simple\"\n"),
            ("Pipfile", "[[source]]\nurl = \"http\\x3a\"\n[packages]\nx = {file='http://192.0.2.1/x'}\n"),
            ("pixi.toml", "[pypi-dependencies]\nx = { url = \"http://192.0.2.1/x.whl\" }\n"),
        ] {
            assert!(outcome(name, text) >= Outcome::Suspicious, "{text}");
        }
    }

    #[test]
    fn ordinary_projects_are_clean() {
        for (name, text) in [
            (
                "pyproject.toml",
                "[project]\nname = 'a'\nreadme = {file = \"README.md\"}\n[project.urls]\nSource = \"https://example.org/a\"\nurl = 'https://example.org'\n[tool.poetry]\nrepository = \"https://example.org/a\"\n[tool.poetry.dependencies]\npython = \"^3.10\"\nx = {git = \"https://github.com/a/x\", rev = \"1\"}\n",
            ),
            (
                "pyproject.toml",
                "[[tool.uv.index]]\nname = \"pytorch\"\nurl = \"https://download.pytorch.org/whl/cu121\"\n[tool.uv.sources]\ntorch = { index = \"pytorch\" }\na = { path = \"../a\" }\n",
            ),
            (
                "setup.cfg",
                "[metadata]\nurl = https://example.org/a\nproject_urls =\n  Docs = https://example.org\n[options]\ninstall_requires =\n  numpy\n",
            ),
            (
                "Pipfile",
                "[[source]]\nurl = \"https://pypi.org/simple\"\nverify_ssl = true\n[packages]\nrequests = \"*\"\n",
            ),
            (
                "pixi.toml",
                "[project]\nchannels = [\"conda-forge\", \"https://conda.anaconda.org/pytorch\"]\nhomepage = \"https://example.org\"\n",
            ),
        ] {
            assert_eq!(outcome(name, text), Outcome::Clean, "{text}");
        }
    }
}
