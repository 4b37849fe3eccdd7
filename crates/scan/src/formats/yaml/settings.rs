//! Settings of deployments in YAML, by the key that they stand under and the one around it: what a container is given of
//! its host, what is installed for a service, and variables by which programs load code.

use proofhouse_core::Place;

use crate::repository;
use crate::scanner::Scanner;

/// Keys of lists whose items are packages.
const PACKAGES: [&str; 5] = ["packages", "pip", "pip_packages", "requirements", "extra_pip_requirements"];
/// Keys of code that a service is started with.
const CODE: [&str; 3] = ["working_dir", "py_modules", "dockerfile_template"];
/// Keys of indices, and of options of an installer.
const INDICES: [&str; 8] = [
    "index_url",
    "extra_index_url",
    "index-url",
    "extra-index-url",
    "find_links",
    "pip_args",
    "pip_install_options",
    "include",
];
/// Keys of variables.
const VARIABLES: [&str; 3] = ["env", "environment", "variables"];

/// Looks at a value, or at an item of a list, that stands under `key`; `of` is the key around it.
pub(super) fn judge(scanner: &mut Scanner<'_>, place: &Place, of: &str, key: &str, value: &str) {
    let mounts = match (of, key) {
        ("hostPath", "path")
        | ("volumes" | "bind" | "mounts", "source" | "src")
        | ("driver_opts", "device") => is_root(value),
        (_, "volumes" | "binds") => value.starts_with('/') && value.split(':').next().is_some_and(is_root),
        _ => false,
    };
    if mounts {
        let message = "a container is given the whole file system of its host";
        scanner.report("code/harmful", place.clone(), message);
    }
    if VARIABLES.contains(&of) {
        repository::environment(scanner, place, key, value);
    }
    if let Some((variable, value)) = value.split_once('=').filter(|_| VARIABLES.contains(&key)) {
        repository::environment(scanner, place, variable, value);
    }
    let package = PACKAGES.contains(&key) && value.contains("://");
    let fetched = if package {
        value.split_whitespace().any(repository::is_elsewhere)
            || value.split_once('@').is_some_and(|(_, address)| repository::is_elsewhere(address.trim()))
    } else {
        let words = || value.split([' ', '=']).filter(|word| word.contains("://"));
        (CODE.contains(&key) || INDICES.contains(&key))
            && words().any(|word| repository::is_elsewhere(word) && !is_store(word))
    };
    if fetched {
        let shown: String = value.chars().take(100).collect();
        let message = format!("is fetched from elsewhere: {shown:?}");
        scanner.report("repo/requirement", place.clone(), message);
    }
}

/// The root of a file system, however it is written.
fn is_root(path: &str) -> bool {
    path.starts_with('/') && path.split('/').all(|part| matches!(part, "" | "."))
}

/// Stores whose owner is whoever deploys.
fn is_store(address: &str) -> bool {
    ["s3://", "gs://", "az://", "abfss://", "oci://", "file://"]
        .iter()
        .any(|scheme| address.starts_with(scheme))
}
