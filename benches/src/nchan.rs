//! The peer Nchan: nginx with a module of Debian's, in a folder of its own.

use std::fs;
use std::path::Path;

use crate::outcome::Outcome;
use crate::peer::folder;
use crate::process::{Served, free_port};

/// Where Debian puts them; the folder of the program is often not in the path of a user.
const NGINX: &str = "/usr/sbin/nginx";
const MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// Tells whether it is installed.
pub(crate) fn is_installed() -> bool {
    Path::new(NGINX).is_file() && Path::new(MODULE).is_file()
}

/// Starts it at a free port.
pub(crate) fn start() -> Outcome<Served> {
    let port = free_port()?;
    let run = tempfile::tempdir()?;
    let path = run.path().to_string_lossy().into_owned();
    let template = fs::read_to_string(folder().join("peers/nginx.conf"))?;
    let text = template.replace("@RUN@", &path).replace("@PORT@", &port.to_string()).replace("@MODULE@", MODULE);
    let configuration = run.path().join("nginx.conf");
    fs::write(&configuration, text)?;
    let arguments = ["-p", &path, "-c", &configuration.to_string_lossy()];
    Served::start_at(Path::new(NGINX), &arguments, &[], &format!("127.0.0.1:{port}"), run)
}
