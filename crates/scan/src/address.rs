//! Hosts of addresses: which have a name that somebody answers for, which are of this machine or network, and which are
//! there to take what nobody should see.
//!
//! Published models, libraries and build files talk to hosts by name. A public address without one (RFC 5735 and RFC
//! 6890 say which are private) is where somebody listens who does not want to be found, and so are the services that
//! show what is sent to them (request catchers, tunnels, drops of files).

/// The host of the first address in a text: behind `scheme://`, without user, port and path.
pub(crate) fn host(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#', ' ', '"', '\'', '\\', ')', '`']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(six) => six.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

/// Whether a host is this machine, its network, or none that is known.
pub(crate) fn is_near(host: &str) -> bool {
    let near = ["localhost", "127.", "10.", "192.168.", "0.0.0.0", "::1", "fe80:", "fd"];
    // `::` is every address of the machine.
    let single = !host.contains('.') && !host.contains(':');
    single
        || host == "::"
        || near.iter().any(|start| host.starts_with(start) && (*start != "fd" || host.contains(':')))
        || [".local", ".internal", ".lan", ".svc", ".test", ".localhost"]
            .iter()
            .any(|end| host.ends_with(end))
        || host
            .strip_prefix("172.")
            .and_then(|rest| rest.split('.').next()?.parse::<u8>().ok())
            .is_some_and(|n| (16..32).contains(&n))
}

/// Why nobody answers for a host: a public address without a name, or a service that shows what it is sent.
pub(crate) fn nameless(host: &str) -> Option<&'static str> {
    /// Public resolvers, which programs ask in order to learn their own address.
    const RESOLVERS: [&str; 6] = ["8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "255.255.255.255"];
    /// Request catchers, tunnels to somebody's desk, drops of files, names that come and go.
    const DROPS: [&str; 38] = [
        "webhook.site",
        "requestbin.com",
        "requestbin.net",
        "pipedream.net",
        "ngrok.io",
        "ngrok.app",
        "ngrok-free.app",
        "transfer.sh",
        "file.io",
        "bashupload.com",
        "termbin.com",
        "ix.io",
        "0x0.st",
        "interact.sh",
        "oast.fun",
        "oast.me",
        "oast.pro",
        "oast.live",
        "oast.site",
        "oast.online",
        "burpcollaborator.net",
        "oastify.com",
        "trycloudflare.com",
        "serveo.net",
        "localhost.run",
        "lhr.life",
        "requestcatcher.com",
        "beeceptor.com",
        "hookb.in",
        "dnslog.cn",
        "ceye.io",
        "canarytokens.com",
        "duckdns.org",
        "no-ip.org",
        "ddns.net",
        "onion",
        "temp.sh",
        "gofile.io",
    ];
    let lower = host.to_ascii_lowercase();
    if DROPS
        .iter()
        .any(|drop| lower == *drop || lower.strip_suffix(drop).is_some_and(|rest| rest.ends_with('.')))
    {
        return Some("a service that takes whatever it is sent");
    }
    if is_twin(&lower) {
        return Some("a name that only begins like that of somebody known");
    }
    // What RFC 3849 and RFC 9637 keep for documentation leads nowhere.
    let documentation = ["2001:db8:", "3fff:"].iter().any(|start| lower.starts_with(start));
    if documentation || RESOLVERS.contains(&host) || is_near(host) || lower.starts_with("169.254.") {
        return None;
    }
    is_number(host).then_some("an address without a name")
}

/// Whether a host is a service that answers questions by its own models, to whoever has a key of it.
pub(crate) fn answers_questions(host: &str) -> bool {
    const SERVICES: [&str; 18] = [
        "api.openai.com",
        "openai.azure.com",
        "api.anthropic.com",
        "generativelanguage.googleapis.com",
        "aiplatform.googleapis.com",
        "api-inference.huggingface.co",
        "router.huggingface.co",
        "api.mistral.ai",
        "api.cohere.com",
        "api.cohere.ai",
        "api.groq.com",
        "api.deepseek.com",
        "api.together.xyz",
        "openrouter.ai",
        "api.fireworks.ai",
        "api.perplexity.ai",
        "api.x.ai",
        "integrate.api.nvidia.com",
    ];
    let host = host.to_ascii_lowercase();
    SERVICES.iter().any(|service| {
        host.strip_suffix(service).is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', '-']))
    })
}

/// Whether a host has the name of a well-known one before its own.
fn is_twin(host: &str) -> bool {
    const KNOWN: [&str; 20] = [
        "openai.com",
        "openai.azure.com",
        "anthropic.com",
        "googleapis.com",
        "huggingface.co",
        "hf.co",
        "github.com",
        "githubusercontent.com",
        "gitlab.com",
        "mistral.ai",
        "cohere.com",
        "cohere.ai",
        "groq.com",
        "pypi.org",
        "pythonhosted.org",
        "pytorch.org",
        "nvidia.com",
        "kaggle.com",
        "deepseek.com",
        "together.xyz",
    ];
    KNOWN.iter().any(|known| {
        host.match_indices(known).any(|(at, _)| {
            let begins = at == 0 || host.get(..at).is_some_and(|before| before.ends_with('.'));
            let after = host.get(at + known.len()..).unwrap_or_default();
            begins && after.starts_with(['.', '-']) && after.contains('.')
        })
    })
}

/// Whether a host is an address in numbers: four of them, or six and more groups of hexadecimal ones.
fn is_number(host: &str) -> bool {
    let four: Vec<&str> = host.split('.').collect();
    // Versions look like addresses; those end where a number does not fit.
    let octet = |part: &&str| !part.is_empty() && part.len() <= 3 && part.parse::<u8>().is_ok();
    four.len() == 4 && four.iter().all(octet) && !host.starts_with("0.") && !host.ends_with(".0.0")
        || host.matches(':').count() >= 2 && host.bytes().all(|b| b.is_ascii_hexdigit() || b == b':')
}

/// Whether a host is the one by which machines of clouds are told their credentials.
pub(crate) fn is_metadata(host: &str) -> bool {
    [
        "169.254.169.254",
        "169.254.170.2",
        "metadata.google.internal",
        "100.100.100.200",
        "metadata.azure.internal",
    ]
    .contains(&host)
}

/// Servers that installers of well-known tools come from: piping them to a shell is what their documentation says.
pub(crate) fn is_installer(address: &str) -> bool {
    const KNOWN: [&str; 44] = [
        "astral.sh/",
        "ollama.com/",
        "ollama.ai/",
        "install.python-poetry.org",
        "sh.rustup.rs",
        "deb.nodesource.com/",
        "rpm.nodesource.com/",
        "get.docker.com",
        "bun.sh/",
        "deno.land/",
        "get.pnpm.io/",
        "pyenv.run",
        "pixi.sh/",
        "get.helm.sh/",
        "get.k3s.io",
        "sdk.cloud.google.com",
        "packages.cloud.google.com/",
        "download.docker.com/",
        "dl.yarnpkg.com/",
        "micro.mamba.pm/",
        "repo.anaconda.com/",
        "github.com/conda-forge/miniforge/",
        "nixos.org/nix/",
        "install.determinate.systems/",
        "get.sdkman.io",
        "cli.github.com/",
        "aka.ms/",
        "packages.microsoft.com/",
        "taskfile.dev/",
        "just.systems/",
        "mise.run",
        "mise.jdx.dev/",
        "starship.rs/",
        "tailscale.com/",
        "apt.llvm.org/",
        "apt.kitware.com/",
        "developer.download.nvidia.com/",
        "nvidia.github.io/",
        "raw.githubusercontent.com/nvm-sh/nvm/",
        "raw.githubusercontent.com/Homebrew/install/",
        "raw.githubusercontent.com/helm/helm/",
        "raw.githubusercontent.com/pyenv/pyenv-installer/",
        "bootstrap.pypa.io/",
        "packagecloud.io/install/repositories/github/git-lfs/",
    ];
    address.strip_prefix("https://").is_some_and(|rest| {
        let rest = rest.trim_start_matches("www.");
        KNOWN.iter().any(|known| {
            // A whole host, or a host with what is below it.
            rest.strip_prefix(known).is_some_and(|after| {
                known.ends_with('/')
                    || !after.starts_with(|c: char| c.is_alphanumeric() || c == '.' || c == '-')
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_apart() {
        assert_eq!(host("http://u:p@198.51.100.7:80/x?y"), Some("198.51.100.7"));
        assert_eq!(host("https://example.org"), Some("example.org"));
        assert_eq!(host("https://[2001:db8::1]:1/"), Some("2001:db8::1"));
        assert_eq!(host("no address"), None);
        for near in ["localhost", "127.0.0.1", "10.1.2.3", "172.20.0.1", "redis", "192.168.0.1", "a.internal"]
        {
            assert!(is_near(near) && nameless(near).is_none(), "{near}");
        }
        for far in ["198.51.100.7", "203.0.113.9", "x.ngrok.io", "webhook.site", "2a02:6b8::1"] {
            assert!(nameless(far).is_some(), "{far}");
        }
        for twin in ["api.openai.com.example.org", "huggingface.co-cdn.example.org"] {
            assert!(nameless(twin).is_some(), "{twin}");
        }
        for named in [
            "x.openai.azure.com",
            "cdn-lfs.huggingface.co",
            "huggingface.co",
            "8.8.8.8",
            "2001:db8::1",
            "1.2.3",
            "172.217",
            "example.org",
            "xinteract.sh",
        ] {
            assert!(nameless(named).is_none(), "{named}");
        }
        assert!(is_installer("https://astral.sh/uv/install.sh") && is_installer("https://get.docker.com"));
        assert!(!is_installer("http://astral.sh/x") && !is_installer("https://get.docker.com.example.org/"));
    }
}
