//! Files that hold credentials by custom: no model, script or notebook has a use for them but to give them away.

const FILES: [&str; 46] = [
    "/var/run/secrets",
    "/run/secrets",
    "serviceaccount/token",
    "/Cookies",
    "Local State",
    "key4.db",
    "logins.json",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    "/proc/self/environ",
    "/proc/1/environ",
    ".vault-token",
    ".terraform.d/credentials",
    ".config/rclone",
    ".databrickscfg",
    ".s3cfg",
    ".boto",
    ".cargo/credentials",
    "application_default_credentials",
    "streamlit/secrets.toml",
    "id_ed25519",
    ".ssh/id_",
    ".aws/credentials",
    ".aws/sso/",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".kube/config",
    ".docker/config.json",
    "/etc/shadow",
    "/etc/passwd",
    "huggingface/token",
    "huggingface/stored_tokens",
    ".pypirc",
    ".npmrc",
    ".pgpass",
    ".env",
    "Login Data",
    "cookies.sqlite",
    "wallet.dat",
    ".config/gcloud",
    ".config/gh/hosts.yml",
    ".azure/",
    ".kaggle/kaggle.json",
    ".gnupg/",
];

/// Whether a path, or a line with paths in it, names one of them.
pub(crate) fn is_credential(text: &str) -> bool {
    FILES.iter().any(|file| *file != ".env" && text.contains(file)) || names_env(text)
}

/// A file of credentials that lies in a folder, or that a pattern stands for: `~/.aws/*` lists `~/.aws/credentials`.
pub(crate) fn listed(pattern: &str) -> Option<String> {
    /// What a folder is called, with the mark behind it.
    const SHORTEST: usize = 4;
    let folder = pattern.split(['*', '?', '[']).next().unwrap_or(pattern);
    // A name with a star in it: `~/.*_history` stands for `~/.bash_history`.
    let (at, name) = pattern.rsplit_once('/').map_or(("", pattern), |(at, name)| (at, name));
    if let Some((start, end)) =
        name.split_once('*').filter(|(start, end)| start.len() + end.len() >= SHORTEST)
        && !end.contains('*')
        && let Some(file) = FILES.iter().find(|file| {
            !file.contains('/')
                && file.len() >= start.len() + end.len()
                && file.starts_with(start)
                && file.ends_with(end)
        })
    {
        return Some(if at.is_empty() { (*file).to_owned() } else { format!("{at}/{file}") });
    }
    FILES.iter().find_map(|file| {
        let mut ends = file.match_indices('/').map(|(at, mark)| at + mark.len());
        let rest = ends.find_map(|end| {
            let (own, rest) = file.split_at_checked(end)?;
            (own.len() >= SHORTEST && folder.ends_with(own)).then_some(rest)
        })?;
        (!rest.is_empty()).then(|| format!("{folder}{rest}"))
    })
}

/// `.env` as a name of its own: `.envrc` and `prod.environment` are others, and so are variables and attributes.
fn names_env(text: &str) -> bool {
    text.match_indices(".env").any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + 4..).and_then(|t| t.chars().next());
        before.is_none_or(|c| matches!(c, '/' | '\\' | ' ' | '@' | '"' | '\'' | '=' | '~' | '<'))
            && after.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    })
}

#[cfg(test)]
mod tests {
    use super::{is_credential, listed};

    #[test]
    fn files_of_credentials_are_named() {
        for path in ["/home/a/.ssh/id_rsa", "~/.aws/credentials", ".env", "curl -d @.env x", "C:\\u\\.env"] {
            assert!(is_credential(path), "{path}");
        }
        assert_eq!(listed("~/.aws/*").as_deref(), Some("~/.aws/credentials"));
        assert!(listed("/home/a/.ssh/").is_some_and(|file| is_credential(&file)));
        assert_eq!(listed("~/.*_history").as_deref(), Some("~/.bash_history"));
        assert_eq!(listed("data/*.csv").or(listed("~/*")).or(listed("~/.config/app/*")), None);
        for path in [".envrc", "process.env.HOME", "config.json", ".ssh/known_hosts", "a.environment"] {
            assert!(!is_credential(path), "{path}");
        }
    }
}
