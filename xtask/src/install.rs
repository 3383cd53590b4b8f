//! Installing what tests need and what is missing: npm packages, a browser, nginx, Pushpin, valgrind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Failure, Outcome, output, run, works};

/// The oldest Node that the tests run on.
const NODE: u32 = 20;

/// Installs the locked npm packages of a folder, unless they are there already.
pub(crate) fn npm(folder: &Path) -> Outcome {
    node()?;
    let changed = |path: PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let installed = changed(folder.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= changed(folder.join("package-lock.json")) {
        return Ok(());
    }
    let title = format!("npm ci in {}", folder.file_name().unwrap_or_default().to_string_lossy());
    run(&title, Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder))
}

/// Returns the browser: the one that `CHROMIUM` names, an installed one, or one installed now.
pub(crate) fn browser() -> Outcome<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    if let Some(found) = find(&["chromium", "chromium-browser", "google-chrome"]) {
        return Ok(found);
    }
    apt("chromium")?;
    find(&["chromium"]).ok_or_else(|| Failure::new("the package chromium has no program chromium"))
}

/// Returns nginx: the one that `NGINX` names, an installed one, or one installed now.
///
/// Where services are started when they are installed, Debian's package starts one on port 80.
pub(crate) fn nginx() -> Outcome<PathBuf> {
    if let Some(named) = std::env::var_os("NGINX") {
        return Ok(named.into());
    }
    // A user's path often lacks the folders of the administrator's programs.
    let installed =
        || find(&["nginx"]).or_else(|| Some(PathBuf::from("/usr/sbin/nginx")).filter(|path| path.is_file()));
    if let Some(found) = installed() {
        return Ok(found);
    }
    apt("nginx")?;
    installed().ok_or_else(|| Failure::new("the package nginx has no program nginx"))
}

/// Returns valgrind: an installed one, or one installed now.
pub(crate) fn valgrind() -> Outcome<PathBuf> {
    if let Some(found) = find(&["valgrind"]) {
        return Ok(found);
    }
    apt("valgrind")?;
    find(&["valgrind"]).ok_or_else(|| Failure::new("the package valgrind has no program valgrind"))
}

/// Returns Pushpin: the one that `PUSHPIN` names, an installed one, or one installed now.
///
/// Where services are started when they are installed, Debian's package starts one on the ports 7999 and 5560 to 5563.
pub(crate) fn pushpin() -> Outcome<PathBuf> {
    if let Some(named) = std::env::var_os("PUSHPIN") {
        return Ok(named.into());
    }
    if let Some(found) = find(&["pushpin"]) {
        return Ok(found);
    }
    apt("pushpin")?;
    find(&["pushpin"]).ok_or_else(|| Failure::new("the package pushpin has no program pushpin"))
}

fn node() -> Outcome {
    let version = output("node --version (Node 20 or later is needed)", Command::new("node").arg("--version"))?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    match major {
        Some(major) if NODE <= major => Ok(()),
        _ => Err(Failure::new(format!("Node {NODE} or later is needed, this is {}", version.trim()))),
    }
}

/// Installs a Debian package; only root can.
pub(crate) fn apt(package: &str) -> Outcome {
    let user = output("id -u", Command::new("id").arg("-u"))?;
    if user.trim() != "0" || !works("apt-get", &["--version"]) {
        return Err(Failure::new(format!("install the program {package} (as root: apt-get install {package})")));
    }
    let install = |title: &str| {
        let arguments = ["install", "-y", "-qq", "--no-install-recommends", package];
        run(title, Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    // The lists may be missing or old; only then are they fetched.
    let title = format!("apt-get install {package}");
    install(&title).or_else(|_| {
        run("apt-get update", Command::new("apt-get").args(["update", "-qq"]))?;
        install(&title)
    })
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|program| program.is_file())
}
